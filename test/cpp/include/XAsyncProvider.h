// What cpp/openmpsd_redirect.cpp needs of the real header of this name, and no more.
#pragma once

#include "XAsync.h"

STDAPI_(void) XAsyncComplete(XAsyncBlock* asyncBlock, HRESULT result, size_t requiredBufferSize) noexcept;
