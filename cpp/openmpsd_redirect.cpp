// Leads the Xbox services calls of a title to an OpenMPSD server, where no proxy and no certificate
// can be set. For debug builds only: it turns TLS off for these calls.
//
//     HRESULT OpenMpsdRedirect(const char* serverUrl);
//
//     #ifdef _DEBUG
//         OpenMpsdRedirect("http://192.168.1.20:8350"); // before XblInitialize and HCInitialize
//     #endif
//
// With nullptr the address is that of the variable OPENMPSD_URL, which `openmpsd exec` sets; without
// the variable nothing is led elsewhere.
//
// It is a filter of libHttpClient, on which XSAPI is built: calls to https://*.xboxlive.com and the
// socket wss://rta.xboxlive.com go to the server, with path, headers and body as they are. Everything
// else, and the login at *.auth.xboxlive.com, goes where it went before.
//
// How it works: the URL of a call cannot be changed once the call is performed. So the filter makes a
// second call, to the server, and copies its answer into the first one. Retries are those of the first
// call.
//
// Needs C++17 and the headers of libHttpClient or of the Microsoft GDK.

#include <XAsync.h>
#include <XAsyncProvider.h>
#include <httpClient/httpClient.h>
#include <httpClient/httpProvider.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

HRESULT OpenMpsdRedirect(const char* serverUrl);

namespace
{

// Set once, before any call.
std::string g_server; // without a slash at the end
HCCallPerformFunction g_perform{ nullptr };
void* g_performContext{ nullptr };
HCWebSocketConnectFunction g_connect{ nullptr };

bool EndsWith(std::string_view text, std::string_view end)
{
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string LowerCase(std::string_view text)
{
    std::string lower{ text };
    for (char& c : lower)
    {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return lower;
}

// The URL at the server in place of `url`; empty: it stays as it is.
std::string RedirectedUrl(std::string_view url)
{
    const size_t schemeEnd = url.find("://");
    if (schemeEnd == std::string_view::npos)
    {
        return {};
    }
    const std::string scheme = LowerCase(url.substr(0, schemeEnd));
    const bool isSocket = scheme == "wss" || scheme == "ws";
    if (!isSocket && scheme != "https" && scheme != "http")
    {
        return {};
    }
    const size_t hostStart = schemeEnd + 3;
    const size_t hostEnd = std::min(url.find_first_of("/?#", hostStart), url.size());
    std::string_view authority = url.substr(hostStart, hostEnd - hostStart);
    const std::string host = LowerCase(authority.substr(0, authority.find(':')));
    if (!EndsWith(host, ".xboxlive.com") || EndsWith(host, ".auth.xboxlive.com"))
    {
        return {};
    }
    std::string server = g_server;
    if (isSocket)
    {
        server.replace(0, 4, "ws"); // http → ws, https → wss
    }
    return server + std::string{ url.substr(hostEnd) };
}

// A call of the title, and the one that is made in its place.
struct Exchange
{
    HCCallHandle outer{ nullptr };
    XAsyncBlock* outerBlock{ nullptr };
    HCCallHandle inner{ nullptr };
    XAsyncBlock innerBlock{};

    ~Exchange()
    {
        if (inner != nullptr)
        {
            HCHttpCallCloseHandle(inner);
        }
        if (outer != nullptr)
        {
            HCHttpCallCloseHandle(outer);
        }
    }
};

// As `RETURN_IF_FAILED`, which not every build has.
#define OPENMPSD_RETURN_IF_FAILED(expression)      \
    do                                             \
    {                                              \
        const HRESULT openMpsdResult{ expression }; \
        if (FAILED(openMpsdResult))                \
        {                                          \
            return openMpsdResult;                 \
        }                                          \
    } while (false)

HRESULT CopyRequest(HCCallHandle outer, HCCallHandle inner, const char* method, const std::string& url)
{
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestSetUrl(inner, method, url.c_str()));
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestSetRetryAllowed(inner, false));
    uint32_t timeoutInSeconds{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestGetTimeout(outer, &timeoutInSeconds));
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestSetTimeout(inner, timeoutInSeconds));

    const uint8_t* body{ nullptr };
    uint32_t bodySize{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestGetRequestBodyBytes(outer, &body, &bodySize));
    if (bodySize > 0)
    {
        OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestSetRequestBodyBytes(inner, body, bodySize));
    }

    uint32_t headersCount{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestGetNumHeaders(outer, &headersCount));
    for (uint32_t i = 0; i < headersCount; ++i)
    {
        const char* name{ nullptr };
        const char* value{ nullptr };
        OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestGetHeaderAtIndex(outer, i, &name, &value));
        // The tokens among them are not to be traced.
        OPENMPSD_RETURN_IF_FAILED(HCHttpCallRequestSetHeader(inner, name, value, false));
    }
    return S_OK;
}

HRESULT CopyResponse(HCCallHandle inner, HCCallHandle outer)
{
    HRESULT networkError{ S_OK };
    uint32_t platformError{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetNetworkErrorCode(inner, &networkError, &platformError));
    if (FAILED(networkError))
    {
        return HCHttpCallResponseSetNetworkErrorCode(outer, networkError, platformError);
    }

    uint32_t statusCode{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetStatusCode(inner, &statusCode));
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseSetStatusCode(outer, statusCode));

    uint32_t headersCount{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetNumHeaders(inner, &headersCount));
    for (uint32_t i = 0; i < headersCount; ++i)
    {
        const char* name{ nullptr };
        const char* value{ nullptr };
        OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetHeaderAtIndex(inner, i, &name, &value));
        OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseSetHeader(outer, name, value));
    }

    size_t bodySize{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetResponseBodyBytesSize(inner, &bodySize));
    if (bodySize == 0)
    {
        return S_OK;
    }
    std::vector<uint8_t> body(bodySize);
    size_t used{ 0 };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetResponseBodyBytes(inner, bodySize, body.data(), &used));
    // As the platform's own code does it, so that a write function of the title is called too.
    HCHttpCallResponseBodyWriteFunction write{ nullptr };
    void* writeContext{ nullptr };
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallResponseGetResponseBodyWriteFunction(outer, &write, &writeContext));
    return write(outer, body.data(), used, writeContext);
}

void CALLBACK OnAnswered(XAsyncBlock* innerBlock)
{
    const std::unique_ptr<Exchange> exchange{ static_cast<Exchange*>(innerBlock->context) };
    HRESULT result = XAsyncGetStatus(innerBlock, false);
    try
    {
        if (SUCCEEDED(result))
        {
            result = CopyResponse(exchange->inner, exchange->outer);
        }
    }
    catch (const std::bad_alloc&)
    {
        result = E_OUTOFMEMORY;
    }
    XAsyncComplete(exchange->outerBlock, result, 0);
}

HRESULT PerformAtServer(HCCallHandle call, XAsyncBlock* block, const char* method, const std::string& url)
{
    auto exchange = std::make_unique<Exchange>();
    exchange->outer = HCHttpCallDuplicateHandle(call);
    exchange->outerBlock = block;
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallCreate(&exchange->inner));
    OPENMPSD_RETURN_IF_FAILED(CopyRequest(call, exchange->inner, method, url));
    exchange->innerBlock.queue = block->queue;
    exchange->innerBlock.context = exchange.get();
    exchange->innerBlock.callback = OnAnswered;
    // This comes back to Perform, which hands it on: the URL is that of the server.
    OPENMPSD_RETURN_IF_FAILED(HCHttpCallPerformAsync(exchange->inner, &exchange->innerBlock));
    exchange.release(); // OnAnswered has it now
    return S_OK;
}

void CALLBACK Perform(HCCallHandle call, XAsyncBlock* block, void* /*context*/, HCPerformEnv env)
{
    HRESULT result{ S_OK };
    try
    {
        const char* method{ nullptr };
        const char* url{ nullptr };
        result = HCHttpCallRequestGetUrl(call, &method, &url);
        if (SUCCEEDED(result))
        {
            const std::string redirected = RedirectedUrl(url);
            if (redirected.empty())
            {
                g_perform(call, block, g_performContext, env);
                return;
            }
            result = PerformAtServer(call, block, method, redirected);
        }
    }
    catch (const std::bad_alloc&)
    {
        result = E_OUTOFMEMORY;
    }
    if (FAILED(result))
    {
        XAsyncComplete(block, result, 0);
    }
}

HRESULT CALLBACK Connect(
    const char* uri,
    const char* subProtocol,
    HCWebsocketHandle websocket,
    XAsyncBlock* block,
    void* context,
    HCPerformEnv env)
{
    try
    {
        const std::string redirected = RedirectedUrl(uri);
        return g_connect(redirected.empty() ? uri : redirected.c_str(), subProtocol, websocket, block, context, env);
    }
    catch (const std::bad_alloc&)
    {
        return E_OUTOFMEMORY;
    }
}

const char* ServerOfEnvironment()
{
#ifdef _MSC_VER
#pragma warning(suppress : 4996) // one thread, before any other is started
#endif
    return std::getenv("OPENMPSD_URL");
}

} // namespace

/// Sends the calls of this process to `*.xboxlive.com` to the server at `serverUrl`: http://host:port.
///
/// Call it once, before HCInitialize and so before XblInitialize: later libHttpClient answers
/// E_HC_ALREADY_INITIALISED, which comes back from here. E_INVALIDARG: `serverUrl` is no http or https URL.
/// nullptr stands for the variable OPENMPSD_URL; S_FALSE: it is not set, and the calls stay as they are.
HRESULT OpenMpsdRedirect(const char* serverUrl)
{
    if (serverUrl == nullptr)
    {
        serverUrl = ServerOfEnvironment();
    }
    if (serverUrl == nullptr)
    {
        return S_FALSE;
    }
    std::string server{ serverUrl };
    while (EndsWith(server, "/"))
    {
        server.pop_back();
    }
    if (server.rfind("http://", 0) != 0 && server.rfind("https://", 0) != 0)
    {
        return E_INVALIDARG;
    }
    // A second call would make the filter its own target.
    if (!g_server.empty())
    {
        return E_FAIL;
    }

    HCWebSocketSendMessageFunction send{ nullptr };
    HCWebSocketSendBinaryMessageFunction sendBinary{ nullptr };
    HCWebSocketDisconnectFunction disconnect{ nullptr };
    void* socketContext{ nullptr };
    OPENMPSD_RETURN_IF_FAILED(HCGetHttpCallPerformFunction(&g_perform, &g_performContext));
    OPENMPSD_RETURN_IF_FAILED(HCGetWebSocketFunctions(&g_connect, &send, &sendBinary, &disconnect, &socketContext));
    if (g_perform == nullptr || g_connect == nullptr)
    {
        return E_FAIL;
    }
    OPENMPSD_RETURN_IF_FAILED(HCSetHttpCallPerformFunction(Perform, nullptr));
    // The context stays that of the functions that are kept.
    OPENMPSD_RETURN_IF_FAILED(HCSetWebSocketFunctions(Connect, send, sendBinary, disconnect, socketContext));
    g_server = server;
    return S_OK;
}
