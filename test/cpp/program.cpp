// A title in a few lines: it redirects to the server of its argument, or of the environment, and prints what its calls get.

#include "fake_http_client.h"

#include <cstdio>
#include <cstring>
#include <strings.h>

HRESULT OpenMpsdRedirect(const char* serverUrl);

namespace
{

void Print(const char* url, const char* method, const char* user, const char* body)
{
    HCCallHandle call{ nullptr };
    HCHttpCallCreate(&call);
    HCHttpCallRequestSetUrl(call, method, url);
    HCHttpCallRequestSetHeader(call, "Authorization", user, false);
    HCHttpCallRequestSetHeader(call, "X-Xbl-Contract-Version", "107", true);
    HCHttpCallRequestSetRequestBodyBytes(
        call, reinterpret_cast<const uint8_t*>(body), static_cast<uint32_t>(strlen(body)));
    XAsyncBlock block{};
    HCHttpCallPerformAsync(call, &block);

    const HRESULT result = XAsyncGetStatus(&block, true);
    uint32_t status{ 0 }, platformError{ 0 }, headers{ 0 };
    HRESULT networkError{ S_OK };
    HCHttpCallResponseGetStatusCode(call, &status);
    HCHttpCallResponseGetNetworkErrorCode(call, &networkError, &platformError);
    HCHttpCallResponseGetNumHeaders(call, &headers);
    bool hasEtag{ false };
    for (uint32_t i = 0; i < headers; ++i)
    {
        const char* name{ nullptr };
        const char* value{ nullptr };
        HCHttpCallResponseGetHeaderAtIndex(call, i, &name, &value);
        hasEtag = hasEtag || strcasecmp(name, "ETag") == 0;
    }
    size_t size{ 0 };
    HCHttpCallResponseGetResponseBodyBytesSize(call, &size);
    std::string answer(size, ' ');
    HCHttpCallResponseGetResponseBodyBytes(call, size, reinterpret_cast<uint8_t*>(answer.data()), &size);
    printf("%s %s: %d %u %d %u %s %s\n", method, url, result < 0, status, networkError < 0, platformError,
        hasEtag ? "ETag" : "-", answer.c_str());
    HCHttpCallCloseHandle(call);
}

} // namespace

int main(int, char** argv)
{
    const char* ada = "XBL3.0 x=-;xuid=1001&gtg=Ada";
    printf("no URL: %d\n", OpenMpsdRedirect("127.0.0.1:8350") == E_INVALIDARG && OpenMpsdRedirect("") == E_INVALIDARG);
    printf("redirect: %d\n", OpenMpsdRedirect(argv[1]));
    printf("again: %d\n", OpenMpsdRedirect(argv[1]) < 0);
    FakeInitialise();

    const std::string session =
        "/serviceconfigs/bd6c41c3-01c3-468a-a3b5-3e0fe8133862/sessionTemplates/deathmatch/sessions/cpp";
    const char* join = "{\"members\":{\"me\":{\"properties\":{\"system\":{\"active\":true}}}}}";
    Print(("https://sessiondirectory.xboxlive.com" + session).c_str(), "PUT", ada, join);
    Print(("https://SessionDirectory.XboxLive.com:443" + session + "?nocommit=true").c_str(), "GET", ada, "");
    Print("https://sessiondirectory.xboxlive.com", "GET", ada, "");
    Print("https://user.auth.xboxlive.com/user/authenticate", "POST", ada, "{}");
    Print("https://example.com/xboxlive.com", "GET", ada, "");
    Print("https://notxboxlive.com/handles", "GET", ada, "");
    Print("nonsense", "GET", ada, "");

    printf("socket: %s\n", FakeConnect("wss://rta.xboxlive.com/connect", "rta.xboxlive.com.V2").c_str());
    printf("other socket: %s\n", FakeConnect("wss://example.com/connect", "x").c_str());
    printf("open calls: %d\n", FakeOpenCalls());
    return 0;
}
