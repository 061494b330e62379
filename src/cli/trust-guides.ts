/**
 * What `openmpsd trust` prints: for each kind of client how it trusts the root and comes to the gateway, and
 * how both are undone.
 *
 * @source docs/gateway.md "Trust"
 */

/** What the guides name. */
export type GuideFacts = {
  readonly rootFile: string;
  readonly derFile: string;
  /** SHA-1 of the certificate, in hexadecimal: how the stores of systems name it. */
  readonly thumbprint: string;
  /** Where the gateway is, as clients see it. */
  readonly address: string;
  readonly proxyPort: number;
  readonly tlsPort: number;
  readonly hosts: readonly string[];
  readonly domains: readonly string[];
  readonly preloadFile: string;
};

type Guide = { readonly title: string; readonly text: (facts: GuideFacts) => string };

/** The lines of a hosts file. */
export function hostsLines({
  address,
  hosts,
}: Pick<GuideFacts, 'address' | 'hosts'>): readonly string[] {
  return hosts.map((host) => `${address} ${host}`);
}

const hostsNote =
  'A hosts file names each host (openmpsd trust --for hosts) and needs --tls-port 443.';

export const guides = {
  hosts: {
    title: 'A hosts file: /etc/hosts, or C:\\Windows\\System32\\drivers\\etc\\hosts',
    text: (facts) => `Needs --tls-port 443. Undo: delete the lines.

${indented(hostsLines(facts).join('\n'))}`,
  },
  windows: {
    title: 'Windows, in PowerShell',
    text: ({
      rootFile,
      address,
      proxyPort,
      thumbprint,
    }) => `Trust, for this user (Windows asks once):
    certutil -user -addstore Root "${rootFile}"
Lead every program that uses the proxy of the system here, XSAPI too:
    $key = 'HKCU:\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings'
    Set-ItemProperty $key ProxyServer '${address}:${proxyPort}'
    Set-ItemProperty $key ProxyEnable 1
Services and WinHTTP without a setting of their own, as administrator:
    netsh winhttp set proxy ${address}:${proxyPort}
In a title it is one line: HCSetGlobalProxy("${address}:${proxyPort}"); ${hostsNote}
Undo:
    Set-ItemProperty $key ProxyEnable 0
    netsh winhttp reset proxy
    certutil -user -delstore Root ${thumbprint}`,
  },
  xbox: {
    title: 'An Xbox development kit, from a development PC',
    text: ({
      derFile,
      address,
      proxyPort,
    }) => `The server must be started with --host of an address that the kit reaches, and with --proxy-others tunnel:
everything of the kit goes through the proxy. Write the proxy's address into a file, copy both files and restart:
    "${address}:${proxyPort}" | Set-Content -NoNewline ProxyAddress.txt
    xbcp "${derFile}" xs:\\microsoft\\cert\\FiddlerRoot.cer
    xbcp ProxyAddress.txt xs:\\microsoft\\fiddler\\ProxyAddress.txt
    xbreboot
Undo:
    xbdel xs:\\microsoft\\fiddler\\ProxyAddress.txt
    xbdel xs:\\microsoft\\cert\\FiddlerRoot.cer
    xbreboot`,
  },
  macos: {
    title: 'macOS',
    text: ({ rootFile, thumbprint, address, proxyPort }) => `Trust, for this user:
    security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db "${rootFile}"
Lead the programs here that use the proxy of the system (Wi-Fi stands for the network service):
    networksetup -setsecurewebproxy Wi-Fi ${address} ${proxyPort}
${hostsNote}
Undo:
    networksetup -setsecurewebproxystate Wi-Fi off
    security delete-certificate -t -Z ${thumbprint}`,
  },
  linux: {
    title: 'Linux',
    text: ({ rootFile, address, proxyPort }) => `Trust, Debian and Ubuntu:
    sudo cp "${rootFile}" /usr/local/share/ca-certificates/openmpsd.crt && sudo update-ca-certificates
Fedora:
    sudo cp "${rootFile}" /etc/pki/ca-trust/source/anchors/openmpsd.pem && sudo update-ca-trust
Arch:
    sudo trust anchor "${rootFile}"
Lead programs here:
    export HTTPS_PROXY=http://${address}:${proxyPort} https_proxy=http://${address}:${proxyPort}
${hostsNote}
Undo: delete the copy, then update-ca-certificates --fresh, update-ca-trust, or trust anchor --remove;
    unset HTTPS_PROXY https_proxy`,
  },
  android: {
    title: 'Android',
    text: ({
      derFile,
      address,
      proxyPort,
    }) => `Trust: copy the file, then Settings, Security, Encryption & credentials, Install a certificate, CA certificate:
    adb push "${derFile}" /sdcard/Download/openmpsd.cer
An app takes it only when it says so, in res/xml/network_security_config.xml of a debug build:
    <network-security-config><debug-overrides><trust-anchors>
      <certificates src="user"/></trust-anchors></debug-overrides></network-security-config>
Lead it here (from an emulator this machine is 10.0.2.2):
    adb shell settings put global http_proxy ${address}:${proxyPort}
Undo:
    adb shell settings put global http_proxy :0
and delete the certificate in the same settings.`,
  },
  node: {
    title: 'Node',
    text: ({
      rootFile,
      address,
      proxyPort,
      tlsPort,
      preloadFile,
      domains,
    }) => `fetch and http, Node 24 and later:
    export NODE_EXTRA_CA_CERTS="${rootFile}"
    export NODE_USE_ENV_PROXY=1 HTTPS_PROXY=http://${address}:${proxyPort}
Libraries that look at no proxy, as ws, and any Node: a preload leads them to the TLS port:
    export OPENMPSD_TLS_PORT=${tlsPort} OPENMPSD_DOMAINS=${domains.join(',')}
    export NODE_OPTIONS='--require "${preloadFile}"'
Undo: unset these variables.`,
  },
  curl: {
    title: 'curl, libcurl',
    text: ({
      rootFile,
      address,
      proxyPort,
      tlsPort,
    }) => `    export CURL_CA_BUNDLE="${rootFile}" HTTPS_PROXY=http://${address}:${proxyPort}
or for one call, without the proxy:
    curl --cacert "${rootFile}" --connect-to ::${address}:${tlsPort} https://sessiondirectory.xboxlive.com/…
A program on libcurl reads HTTPS_PROXY, and trusts the bundle that libcurl was built with, whatever the variables
say: trust the root in the system (openmpsd trust --install), or set CURLOPT_CAINFO.
Undo: unset these variables.`,
  },
  java: {
    title: 'Java',
    text: ({
      derFile,
      address,
      proxyPort,
    }) => `    keytool -importcert -noprompt -alias openmpsd -file "${derFile}" -keystore openmpsd.p12 -storepass changeit
    java -Djavax.net.ssl.trustStore=openmpsd.p12 -Djavax.net.ssl.trustStorePassword=changeit \\
      -Dhttps.proxyHost=${address} -Dhttps.proxyPort=${proxyPort} …
A library that looks at no proxy, as Java-WebSocket: -Djdk.net.hosts.file=<file> (openmpsd trust --for hosts)
and --tls-port 443. Undo: leave the options out, delete openmpsd.p12.`,
  },
  python: {
    title: 'Python',
    text: ({
      rootFile,
      address,
      proxyPort,
    }) => `    export HTTPS_PROXY=http://${address}:${proxyPort}
    export SSL_CERT_FILE="${rootFile}"         # urllib, httpx, websockets
    export REQUESTS_CA_BUNDLE="${rootFile}"    # requests
aiohttp looks at the proxy with ClientSession(trust_env=True). Undo: unset these variables.`,
  },
  dotnet: {
    title: '.NET',
    text: ({
      rootFile,
      address,
      proxyPort,
    }) => `HttpClient and ClientWebSocket read HTTPS_PROXY; on Windows and macOS they trust what the system trusts (above).
On Linux:
    export HTTPS_PROXY=http://${address}:${proxyPort} SSL_CERT_FILE="${rootFile}"
Undo: unset these variables.`,
  },
} as const satisfies Readonly<Record<string, Guide>>;

/** The guides of these names, one after the other. */
export function formatGuides(names: readonly (keyof typeof guides)[], facts: GuideFacts): string {
  return names.map((name) => `${guides[name].title}\n\n${guides[name].text(facts)}\n`).join('\n');
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ');
}
