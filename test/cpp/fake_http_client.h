// What a test asks of the library that takes the place of libHttpClient.
#pragma once

#include <httpClient/httpProvider.h>

#include <XAsyncProvider.h>
#include <string>

// As HCInitialize: from now on functions cannot be set.
void FakeInitialise();
// Calls whose handles are not all closed.
int FakeOpenCalls();
// Connects a socket; the URI and the sub-protocol that arrived at the platform.
std::string FakeConnect(const char* uri, const char* subProtocol);
