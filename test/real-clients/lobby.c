/*
 * One player in a lobby, by libcurl: session, activity, leave. The library reads HTTPS_PROXY by itself. Of
 * certificates it trusts the bundle that it was built with, unless a program says otherwise, as the command
 * curl does by CURL_CA_BUNDLE. TRUST_SYSTEM leaves that out.
 */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCID "bd6c41c3-01c3-468a-a3b5-3e0fe8133862"
#define DIRECTORY "https://sessiondirectory.xboxlive.com"
#define NAME "3c0e4a54-5d40-4a8c-9d8b-6f2f0f8a7c11"
#define SESSION DIRECTORY "/serviceconfigs/" SCID "/sessionTemplates/deathmatch/sessions/" NAME

static char answer[65536];
static size_t answered;

static size_t keep(char *data, size_t size, size_t count, void *context) {
  (void)context;
  size_t bytes = size * count;
  if (answered + bytes >= sizeof answer) return 0;
  memcpy(answer + answered, data, bytes);
  answered += bytes;
  answer[answered] = '\0';
  return bytes;
}

/* The status, after a line with it. */
static void ask(CURL *curl, const char *what, const char *method, const char *url, const char *body) {
  answered = 0;
  answer[0] = '\0';
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  if (body == NULL) curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) {
    fprintf(stderr, "%s: %s\n", what, curl_easy_strerror(code));
    exit(1);
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  printf("%s %ld\n", what, status);
}

int main(void) {
  const char *token = getenv("OPENMPSD_TOKEN");
  if (token == NULL) return 2;
  char authorization[1024];
  snprintf(authorization, sizeof authorization, "Authorization: %s", token);
  struct curl_slist *headers = curl_slist_append(NULL, authorization);
  headers = curl_slist_append(headers, "X-Xbl-Contract-Version: 107");
  headers = curl_slist_append(headers, "Content-Type: application/json; charset=utf-8");

  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
#ifndef TRUST_SYSTEM
  const char *bundle = getenv("CURL_CA_BUNDLE");
  if (bundle != NULL) curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
#endif

  ask(curl, "created", "PUT", SESSION, "{\"members\":{\"me\":{\"properties\":{\"system\":{\"active\":true}}}}}");
  ask(curl, "activity", "POST", DIRECTORY "/handles",
      "{\"version\":1,\"type\":\"activity\",\"sessionRef\":{\"scid\":\"" SCID
      "\",\"templateName\":\"deathmatch\",\"name\":\"" NAME "\"}}");
  ask(curl, "read", "GET", SESSION, NULL);
  printf("member %d\n", strstr(answer, "\"gamertag\":\"Ada\"") != NULL);
  ask(curl, "left", "PUT", SESSION, "{\"members\":{\"me\":null}}");

  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  return 0;
}
