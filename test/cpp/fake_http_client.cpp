// As much of libHttpClient as the redirect uses, so that it can be run without the real one: calls are
// performed at once, over plain sockets of POSIX. Rules of the real one that matter are kept: functions
// are set before HCInitialize, and the URL of a call is fixed once it is performed.

#include "fake_http_client.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <map>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HC_CALL
{
    int handles{ 1 };
    bool performed{ false };
    std::string method, url;
    std::vector<uint8_t> body;
    Headers headers;
    uint32_t timeout{ 30 };
    uint32_t status{ 0 };
    HRESULT networkError{ S_OK };
    uint32_t platformError{ 0 };
    Headers responseHeaders;
    std::vector<uint8_t> responseBody;
};

namespace
{

bool g_initialised{ false };
int g_openCalls{ 0 };
std::string g_socketUri;

HRESULT CALLBACK AppendToBody(HCCallHandle call, const uint8_t* source, size_t size, void*)
{
    call->responseBody.insert(call->responseBody.end(), source, source + size);
    return S_OK;
}

std::string AnswerOf(int port, const std::string& request)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        write(descriptor, request.data(), request.size()) == static_cast<ssize_t>(request.size()))
    {
        char buffer[4096];
        for (ssize_t size; (size = read(descriptor, buffer, sizeof buffer)) > 0;)
        {
            answer.append(buffer, static_cast<size_t>(size));
        }
    }
    close(descriptor);
    return answer;
}

void CALLBACK PerformHere(HCCallHandle call, XAsyncBlock* block, void* context, HCPerformEnv env)
{
    // The filter hands on what it was given.
    if (context != &g_initialised || env != reinterpret_cast<HCPerformEnv>(&g_openCalls)) abort();
    const std::string start = "http://127.0.0.1:";
    if (call->url.rfind(start, 0) != 0)
    {
        call->networkError = E_FAIL; // this library reaches no other machine
        XAsyncComplete(block, S_OK, 0);
        return;
    }
    char* path{ nullptr };
    const long port = strtol(call->url.c_str() + start.size(), &path, 10);
    std::string request = call->method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    for (const auto& [name, value] : call->headers) request += name + ": " + value + "\r\n";
    request += "Content-Length: " + std::to_string(call->body.size()) + "\r\n\r\n";
    request.append(call->body.begin(), call->body.end());
    const std::string answer = AnswerOf(static_cast<int>(port), request);
    const size_t headersEnd = answer.find("\r\n\r\n");
    if (headersEnd == std::string::npos)
    {
        call->networkError = E_FAIL;
        call->platformError = 111;
        XAsyncComplete(block, S_OK, 0);
        return;
    }
    call->status = static_cast<uint32_t>(strtol(answer.c_str() + strlen("HTTP/1.1 "), nullptr, 10));
    for (size_t at = answer.find("\r\n") + 2; at < headersEnd;)
    {
        const size_t end = answer.find("\r\n", at);
        const size_t colon = answer.find(": ", at);
        call->responseHeaders.emplace_back(answer.substr(at, colon - at), answer.substr(colon + 2, end - colon - 2));
        at = end + 2;
    }
    const std::string body = answer.substr(headersEnd + 4);
    AppendToBody(call, reinterpret_cast<const uint8_t*>(body.data()), body.size(), nullptr);
    XAsyncComplete(block, S_OK, 0);
}

HRESULT CALLBACK ConnectHere(
    const char* uri, const char* subProtocol, HCWebsocketHandle, XAsyncBlock*, void* context, HCPerformEnv)
{
    if (context != &g_socketUri) abort();
    g_socketUri = std::string{ uri } + " " + subProtocol;
    return S_OK;
}

HRESULT CALLBACK SendHere(HCWebsocketHandle, const char*, XAsyncBlock*, void*) { return S_OK; }
HRESULT CALLBACK SendBinaryHere(HCWebsocketHandle, const uint8_t*, uint32_t, XAsyncBlock*, void*) { return S_OK; }
HRESULT CALLBACK DisconnectHere(HCWebsocketHandle, HCWebSocketCloseStatus, void*) { return S_OK; }

HCCallPerformFunction g_perform{ PerformHere };
void* g_performContext{ &g_initialised };
HCWebSocketConnectFunction g_connect{ ConnectHere };
HCWebSocketSendMessageFunction g_send{ SendHere };
HCWebSocketSendBinaryMessageFunction g_sendBinary{ SendBinaryHere };
HCWebSocketDisconnectFunction g_disconnect{ DisconnectHere };
void* g_socketContext{ &g_socketUri };

// The result of a block is kept where the real one keeps what is its own.
HRESULT& ResultOf(XAsyncBlock* block) { return *reinterpret_cast<HRESULT*>(block->internal); }

} // namespace

void FakeInitialise() { g_initialised = true; }
int FakeOpenCalls() { return g_openCalls; }

std::string FakeConnect(const char* uri, const char* subProtocol)
{
    XAsyncBlock block{};
    g_connect(uri, subProtocol, nullptr, &block, g_socketContext, nullptr);
    return g_socketUri;
}

void XAsyncComplete(XAsyncBlock* block, HRESULT result, size_t) noexcept
{
    ResultOf(block) = result;
    if (block->callback != nullptr) block->callback(block);
}

HRESULT XAsyncGetStatus(XAsyncBlock* block, bool) noexcept { return ResultOf(block); }

HRESULT HCSetHttpCallPerformFunction(HCCallPerformFunction perform, void* context) noexcept
{
    if (g_initialised) return static_cast<HRESULT>(0x89235001); // E_HC_ALREADY_INITIALISED
    g_perform = perform;
    g_performContext = context;
    return S_OK;
}

HRESULT HCGetHttpCallPerformFunction(HCCallPerformFunction* perform, void** context) noexcept
{
    *perform = g_perform;
    *context = g_performContext;
    return S_OK;
}

HRESULT HCSetWebSocketFunctions(
    HCWebSocketConnectFunction connectFunc, HCWebSocketSendMessageFunction send,
    HCWebSocketSendBinaryMessageFunction sendBinary, HCWebSocketDisconnectFunction disconnect, void* context) noexcept
{
    g_connect = connectFunc;
    g_send = send;
    g_sendBinary = sendBinary;
    g_disconnect = disconnect;
    g_socketContext = context;
    return S_OK;
}

HRESULT HCGetWebSocketFunctions(
    HCWebSocketConnectFunction* connectFunc, HCWebSocketSendMessageFunction* send,
    HCWebSocketSendBinaryMessageFunction* sendBinary, HCWebSocketDisconnectFunction* disconnect, void** context) noexcept
{
    *connectFunc = g_connect;
    *send = g_send;
    *sendBinary = g_sendBinary;
    *disconnect = g_disconnect;
    *context = g_socketContext;
    return S_OK;
}

HRESULT HCHttpCallCreate(HCCallHandle* call) noexcept
{
    *call = new HC_CALL{};
    ++g_openCalls;
    return S_OK;
}

HCCallHandle HCHttpCallDuplicateHandle(HCCallHandle call) noexcept
{
    ++call->handles;
    return call;
}

HRESULT HCHttpCallCloseHandle(HCCallHandle call) noexcept
{
    if (--call->handles > 0) return S_OK;
    delete call;
    --g_openCalls;
    return S_OK;
}

HRESULT HCHttpCallPerformAsync(HCCallHandle call, XAsyncBlock* block) noexcept
{
    call->performed = true;
    g_perform(call, block, g_performContext, reinterpret_cast<HCPerformEnv>(&g_openCalls));
    return S_OK;
}

HRESULT HCHttpCallRequestSetUrl(HCCallHandle call, const char* method, const char* url) noexcept
{
    if (call->performed) return static_cast<HRESULT>(0x89235003); // E_HC_PERFORM_ALREADY_CALLED
    call->method = method;
    call->url = url;
    return S_OK;
}

HRESULT HCHttpCallRequestSetRequestBodyBytes(HCCallHandle call, const uint8_t* bytes, uint32_t size) noexcept
{
    call->body.assign(bytes, bytes + size);
    return S_OK;
}

HRESULT HCHttpCallRequestSetHeader(HCCallHandle call, const char* name, const char* value, bool) noexcept
{
    call->headers.emplace_back(name, value);
    return S_OK;
}

HRESULT HCHttpCallRequestSetRetryAllowed(HCCallHandle, bool) noexcept { return S_OK; }

HRESULT HCHttpCallRequestSetTimeout(HCCallHandle call, uint32_t seconds) noexcept
{
    call->timeout = seconds;
    return S_OK;
}

HRESULT HCHttpCallRequestGetTimeout(HCCallHandle call, uint32_t* seconds) noexcept
{
    *seconds = call->timeout;
    return S_OK;
}

HRESULT HCHttpCallRequestGetUrl(HCCallHandle call, const char** method, const char** url) noexcept
{
    *method = call->method.c_str();
    *url = call->url.c_str();
    return S_OK;
}

HRESULT HCHttpCallRequestGetRequestBodyBytes(HCCallHandle call, const uint8_t** bytes, uint32_t* size) noexcept
{
    *bytes = call->body.data();
    *size = static_cast<uint32_t>(call->body.size());
    return S_OK;
}

HRESULT HCHttpCallRequestGetNumHeaders(HCCallHandle call, uint32_t* count) noexcept
{
    *count = static_cast<uint32_t>(call->headers.size());
    return S_OK;
}

HRESULT HCHttpCallRequestGetHeaderAtIndex(
    HCCallHandle call, uint32_t index, const char** name, const char** value) noexcept
{
    *name = call->headers[index].first.c_str();
    *value = call->headers[index].second.c_str();
    return S_OK;
}

HRESULT HCHttpCallResponseGetResponseBodyBytesSize(HCCallHandle call, size_t* size) noexcept
{
    *size = call->responseBody.size();
    return S_OK;
}

HRESULT HCHttpCallResponseGetResponseBodyBytes(
    HCCallHandle call, size_t size, uint8_t* buffer, size_t* used) noexcept
{
    if (size < call->responseBody.size()) return E_FAIL;
    memcpy(buffer, call->responseBody.data(), call->responseBody.size());
    *used = call->responseBody.size();
    return S_OK;
}

HRESULT HCHttpCallResponseGetStatusCode(HCCallHandle call, uint32_t* status) noexcept
{
    *status = call->status;
    return S_OK;
}

HRESULT HCHttpCallResponseGetNetworkErrorCode(HCCallHandle call, HRESULT* error, uint32_t* platformError) noexcept
{
    *error = call->networkError;
    *platformError = call->platformError;
    return S_OK;
}

HRESULT HCHttpCallResponseGetNumHeaders(HCCallHandle call, uint32_t* count) noexcept
{
    *count = static_cast<uint32_t>(call->responseHeaders.size());
    return S_OK;
}

HRESULT HCHttpCallResponseGetHeaderAtIndex(
    HCCallHandle call, uint32_t index, const char** name, const char** value) noexcept
{
    *name = call->responseHeaders[index].first.c_str();
    *value = call->responseHeaders[index].second.c_str();
    return S_OK;
}

HRESULT HCHttpCallResponseGetResponseBodyWriteFunction(
    HCCallHandle, HCHttpCallResponseBodyWriteFunction* write, void** context) noexcept
{
    *write = AppendToBody;
    *context = nullptr;
    return S_OK;
}

HRESULT HCHttpCallResponseSetStatusCode(HCCallHandle call, uint32_t status) noexcept
{
    call->status = status;
    return S_OK;
}

HRESULT HCHttpCallResponseSetNetworkErrorCode(HCCallHandle call, HRESULT error, uint32_t platformError) noexcept
{
    call->networkError = error;
    call->platformError = platformError;
    return S_OK;
}

HRESULT HCHttpCallResponseSetHeader(HCCallHandle call, const char* name, const char* value) noexcept
{
    call->responseHeaders.emplace_back(name, value);
    return S_OK;
}
