// What cpp/openmpsd_redirect.cpp needs of the real header of this name, and no more.
#pragma once

#include "httpClient.h"

typedef void(CALLBACK* HCCallPerformFunction)(
    HCCallHandle call, XAsyncBlock* asyncBlock, void* context, HCPerformEnv env);
typedef HRESULT(CALLBACK* HCWebSocketConnectFunction)(
    const char* uri, const char* subProtocol, HCWebsocketHandle websocket, XAsyncBlock* asyncBlock,
    void* context, HCPerformEnv env);
typedef HRESULT(CALLBACK* HCWebSocketSendMessageFunction)(
    HCWebsocketHandle websocket, const char* message, XAsyncBlock* asyncBlock, void* context);
typedef HRESULT(CALLBACK* HCWebSocketSendBinaryMessageFunction)(
    HCWebsocketHandle websocket, const uint8_t* payloadBytes, uint32_t payloadSize,
    XAsyncBlock* asyncBlock, void* context);
typedef HRESULT(CALLBACK* HCWebSocketDisconnectFunction)(
    HCWebsocketHandle websocket, HCWebSocketCloseStatus closeStatus, void* context);

STDAPI HCSetHttpCallPerformFunction(HCCallPerformFunction performFunc, void* performContext) noexcept;
STDAPI HCGetHttpCallPerformFunction(HCCallPerformFunction* performFunc, void** performContext) noexcept;
STDAPI HCSetWebSocketFunctions(
    HCWebSocketConnectFunction websocketConnectFunc,
    HCWebSocketSendMessageFunction websocketSendMessageFunc,
    HCWebSocketSendBinaryMessageFunction websocketSendBinaryMessageFunc,
    HCWebSocketDisconnectFunction websocketDisconnectFunc, void* context) noexcept;
STDAPI HCGetWebSocketFunctions(
    HCWebSocketConnectFunction* websocketConnectFunc,
    HCWebSocketSendMessageFunction* websocketSendMessageFunc,
    HCWebSocketSendBinaryMessageFunction* websocketSendBinaryMessageFunc,
    HCWebSocketDisconnectFunction* websocketDisconnectFunc, void** context) noexcept;

STDAPI HCHttpCallRequestGetUrl(HCCallHandle call, const char** method, const char** url) noexcept;
STDAPI HCHttpCallRequestGetRequestBodyBytes(
    HCCallHandle call, const uint8_t** requestBodyBytes, uint32_t* requestBodySize) noexcept;
STDAPI HCHttpCallRequestGetNumHeaders(HCCallHandle call, uint32_t* numHeaders) noexcept;
STDAPI HCHttpCallRequestGetHeaderAtIndex(
    HCCallHandle call, uint32_t headerIndex, const char** headerName, const char** headerValue) noexcept;
STDAPI HCHttpCallRequestGetTimeout(HCCallHandle call, uint32_t* timeoutInSeconds) noexcept;

STDAPI HCHttpCallResponseGetResponseBodyWriteFunction(
    HCCallHandle call, HCHttpCallResponseBodyWriteFunction* writeFunction, void** context) noexcept;
STDAPI HCHttpCallResponseSetStatusCode(HCCallHandle call, uint32_t statusCode) noexcept;
STDAPI HCHttpCallResponseSetNetworkErrorCode(
    HCCallHandle call, HRESULT networkErrorCode, uint32_t platformNetworkErrorCode) noexcept;
STDAPI HCHttpCallResponseSetHeader(
    HCCallHandle call, const char* headerName, const char* headerValue) noexcept;
