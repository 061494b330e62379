// What cpp/openmpsd_redirect.cpp needs of the real header of this name, and no more.
#pragma once

#include "../XAsync.h"

typedef struct HC_CALL* HCCallHandle;
typedef struct HC_WEBSOCKET_OBSERVER* HCWebsocketHandle;
typedef struct HC_PERFORM_ENV* HCPerformEnv;

enum class HCWebSocketCloseStatus : uint32_t
{
    Normal = 1000
};

typedef HRESULT(CALLBACK* HCHttpCallResponseBodyWriteFunction)(
    HCCallHandle call, const uint8_t* source, size_t bytesAvailable, void* context);

STDAPI HCHttpCallCreate(HCCallHandle* call) noexcept;
STDAPI_(HCCallHandle) HCHttpCallDuplicateHandle(HCCallHandle call) noexcept;
STDAPI HCHttpCallCloseHandle(HCCallHandle call) noexcept;
STDAPI HCHttpCallPerformAsync(HCCallHandle call, XAsyncBlock* asyncBlock) noexcept;

STDAPI HCHttpCallRequestSetUrl(HCCallHandle call, const char* method, const char* url) noexcept;
STDAPI HCHttpCallRequestSetRequestBodyBytes(
    HCCallHandle call, const uint8_t* requestBodyBytes, uint32_t requestBodySize) noexcept;
STDAPI HCHttpCallRequestSetHeader(
    HCCallHandle call, const char* headerName, const char* headerValue, bool allowTracing) noexcept;
STDAPI HCHttpCallRequestSetRetryAllowed(HCCallHandle call, bool retryAllowed) noexcept;
STDAPI HCHttpCallRequestSetTimeout(HCCallHandle call, uint32_t timeoutInSeconds) noexcept;

STDAPI HCHttpCallResponseGetResponseBodyBytesSize(HCCallHandle call, size_t* bufferSize) noexcept;
STDAPI HCHttpCallResponseGetResponseBodyBytes(
    HCCallHandle call, size_t bufferSize, uint8_t* buffer, size_t* bufferUsed) noexcept;
STDAPI HCHttpCallResponseGetStatusCode(HCCallHandle call, uint32_t* statusCode) noexcept;
STDAPI HCHttpCallResponseGetNetworkErrorCode(
    HCCallHandle call, HRESULT* networkErrorCode, uint32_t* platformNetworkErrorCode) noexcept;
STDAPI HCHttpCallResponseGetNumHeaders(HCCallHandle call, uint32_t* numHeaders) noexcept;
STDAPI HCHttpCallResponseGetHeaderAtIndex(
    HCCallHandle call, uint32_t headerIndex, const char** headerName, const char** headerValue) noexcept;
