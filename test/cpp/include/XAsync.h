// What cpp/openmpsd_redirect.cpp needs of the real header of this name, and no more.
#pragma once

#include <cstddef>
#include <cstdint>

using HRESULT = int32_t;
#define S_OK static_cast<HRESULT>(0)
#define S_FALSE static_cast<HRESULT>(1)
#define E_FAIL static_cast<HRESULT>(0x80004005)
#define E_INVALIDARG static_cast<HRESULT>(0x80070057)
#define E_OUTOFMEMORY static_cast<HRESULT>(0x8007000E)
#define SUCCEEDED(result) ((result) >= 0)
#define FAILED(result) ((result) < 0)
#define CALLBACK
#define STDAPI extern "C" HRESULT
#define STDAPI_(type) extern "C" type

using XTaskQueueHandle = struct XTaskQueueObject*;

struct XAsyncBlock;
typedef void CALLBACK XAsyncCompletionRoutine(struct XAsyncBlock* asyncBlock);

struct XAsyncBlock
{
    XTaskQueueHandle queue;
    void* context;
    XAsyncCompletionRoutine* callback;
    unsigned char internal[sizeof(void*) * 4];
};

STDAPI XAsyncGetStatus(XAsyncBlock* asyncBlock, bool wait) noexcept;
