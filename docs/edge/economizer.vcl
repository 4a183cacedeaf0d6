# Varnish (7.1 or later, with the modules `std` and those of varnish-modules) as the edge of Economizer; docs/guide/edge.md explains it.
#
# Start varnishd with the variable ECONOMIZER_PURGE_SECRET set to what edge.purge.secret says.
# Put the address of your gateway into `backend`, and those of all who purge (gateways, and machines where
# `economizer purge` runs) into `purgers`.
vcl 4.1;

import bodyaccess;
import header;
import std;
import xkey;

backend economizer {
  .host = "127.0.0.1";
  .port = "8787";
  .connect_timeout = 2s;
  # A model may think for long; cached answers come at once.
  .first_byte_timeout = 600s;
  .between_bytes_timeout = 600s;
}

acl purgers {
  "127.0.0.1";
  "::1";
}

sub vcl_recv {
  if (req.method == "PURGE") {
    if (client.ip !~ purgers
        || std.getenv("ECONOMIZER_PURGE_SECRET") == ""
        || !req.http.x-economizer-purge-secret
        || req.http.x-economizer-purge-secret != std.getenv("ECONOMIZER_PURGE_SECRET")) {
      return (synth(403, "Forbidden"));
    }
    if (req.http.x-economizer-purge) {
      set req.http.x-economizer-gone = xkey.purge(req.http.x-economizer-purge);
    } elseif (req.http.x-economizer-softpurge) {
      set req.http.x-economizer-gone = xkey.softpurge(req.http.x-economizer-softpurge);
    } else {
      return (synth(400, "Nothing to purge"));
    }
    return (synth(200, "Purged " + req.http.x-economizer-gone));
  }

  # Secrets are for us, not for those behind; what we go by ourselves, nobody else may say.
  unset req.http.x-economizer-purge-secret;
  unset req.http.x-edge-query;
  unset req.http.x-edge-unknown;

  if (req.url ~ "^/economizer/edge/") {
    # Nothing else was ever given out, so the gateway need not be asked.
    if (req.url !~ "^/economizer/edge/v1/[0-9A-Za-z_-]{43}\.[0-9A-Za-z_-]{24}$") {
      return (synth(404, "Not Found"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
      return (synth(405, "Method Not Allowed"));
    }
    # The address alone says what is meant and who may have it.
    unset req.http.authorization;
    unset req.http.x-api-key;
    unset req.http.cookie;
    return (hash);
  }

  # The API for administrators is not for the edge.
  if (req.url ~ "^/economizer/admin/") {
    return (synth(404, "Not Found"));
  }

  if (req.method == "QUERY") {
    call recv_query;
  }

  # Calls (POST and all others) go through untouched: who may have which answer is the gateway's business.
  return (pass);
}

# A question that the gateway may have allowed us to answer (edge.query): again to the same key, with the same body and the same fields, and
# to nobody else. Whatever is not plainly that is passed.
sub recv_query {
  std.collect(req.http.connection);
  # Only a body of a known size can be left alone when it is too large. Who asks for a certain freshness, a part, or in a coding, asks the gateway; and
  # fields that `Connection` names do not get there.
  if (!req.http.content-length
      || std.integer(req.http.content-length, 0) < 1
      || std.integer(req.http.content-length, 0) > 1048576
      || req.http.transfer-encoding
      || req.http.content-encoding
      || req.http.cache-control
      || req.http.pragma
      || req.http.range
      || req.http.expect
      || (req.http.connection && req.http.connection !~ "(?i)^(?:keep-alive|close)$")
      || req.url ~ "#"
      || (!req.http.authorization && !req.http.x-api-key)) {
    return (pass);
  }
  # Fields that look like a credential, or like a vendor's or our own, count in the answer whatever their names: of those that are not in
  # `hash_query`, the gateway must judge.
  header.regsub(req,
    "(?i)^(?!(?:authorization|x-api-key|anthropic-version|anthropic-beta|anthropic-dangerous-direct-browser-access|openai-beta|openai-organization|openai-project|x-economizer-agent|x-economizer-session|x-economizer-tags|x-economizer-cache-tags|x-economizer-deadline):)((?:(?:[^:]*-)?(?:auth|authorization|authentication|token|api-?key|secret|cookie|credentials?)(?:-[^:]*)?|(?:anthropic|openai|x-goog|x-ms|x-economizer)-[^:]*):.*)$",
    "x-edge-unknown: \1");
  if (req.http.x-edge-unknown) {
    header.regsub(req, "(?i)^x-edge-unknown: (.*)$", "\1");
    return (pass);
  }
  # A field that comes twice is one list (RFC 9110 section 5.3); only so is all of it seen below, and in Vary.
  std.collect(req.http.authorization);
  std.collect(req.http.x-api-key);
  std.collect(req.http.x-economizer-agent);
  std.collect(req.http.x-economizer-session);
  std.collect(req.http.x-economizer-tags);
  std.collect(req.http.x-economizer-cache-tags);
  std.collect(req.http.x-economizer-deadline);
  std.collect(req.http.x-claude-code-session-id);
  std.collect(req.http.session-id);
  std.collect(req.http.session_id);
  std.collect(req.http.x-session-id);
  std.collect(req.http.x-session-affinity);
  std.collect(req.http.x-opencode-session);
  std.collect(req.http.api-key);
  std.collect(req.http.x-goog-api-key);
  std.collect(req.http.cookie);
  std.collect(req.http.origin);
  std.collect(req.http.sec-fetch-site);
  std.collect(req.http.idempotency-key);
  std.collect(req.http.cache-control);
  std.collect(req.http.pragma);
  std.collect(req.http.accept);
  std.collect(req.http.content-type);
  std.collect(req.http.content-encoding);
  std.collect(req.http.anthropic-version);
  std.collect(req.http.anthropic-beta);
  std.collect(req.http.openai-beta);
  std.collect(req.http.openai-organization);
  std.collect(req.http.openai-project);
  if (!std.cache_req_body(1MB)) {
    return (synth(503, "The body could not be read"));
  }
  # Nobody waits here for another's answer, which may be long in coming and is not for all: the gateway sees which calls are one.
  set req.hash_ignore_busy = true;
  set req.http.x-edge-query = "yes";
  return (hash);
}

# All that can make another question or another caller: the gateway names the same in Vary.
sub hash_query {
  hash_data("QUERY");
  hash_data(req.http.authorization);
  hash_data(req.http.x-api-key);
  hash_data(req.http.x-economizer-agent);
  hash_data(req.http.x-economizer-session);
  hash_data(req.http.x-economizer-tags);
  hash_data(req.http.x-economizer-cache-tags);
  hash_data(req.http.x-economizer-deadline);
  hash_data(req.http.x-claude-code-session-id);
  hash_data(req.http.session-id);
  hash_data(req.http.session_id);
  hash_data(req.http.x-session-id);
  hash_data(req.http.x-session-affinity);
  hash_data(req.http.x-opencode-session);
  hash_data(req.http.api-key);
  hash_data(req.http.x-goog-api-key);
  hash_data(req.http.cookie);
  hash_data(req.http.origin);
  hash_data(req.http.sec-fetch-site);
  hash_data(req.http.idempotency-key);
  hash_data(req.http.cache-control);
  hash_data(req.http.pragma);
  hash_data(req.http.accept);
  hash_data(req.http.content-type);
  hash_data(req.http.content-encoding);
  hash_data(req.http.anthropic-version);
  hash_data(req.http.anthropic-beta);
  hash_data(req.http.openai-beta);
  hash_data(req.http.openai-organization);
  hash_data(req.http.openai-project);
  bodyaccess.hash_req_body();
}

sub vcl_hash {
  hash_data(req.url);
  if (req.http.x-edge-query) {
    call hash_query;
  }
  return (lookup);
}

sub vcl_backend_fetch {
  if (bereq.http.x-edge-query) {
    # What is fetched to be kept would be asked for with GET.
    set bereq.method = "QUERY";
    unset bereq.http.x-edge-query;
    unset bereq.http.accept-encoding;
  }
}

sub vcl_backend_response {
  if (bereq.uncacheable) {
    return (deliver);
  }
  # RFC 9213: what CDN-Cache-Control says goes before Cache-Control, which is for browsers.
  if (beresp.status == 200 && beresp.http.cdn-cache-control ~ "max-age=[0-9]+") {
    # A lifetime counts from when the answer was made, not from now.
    set beresp.ttl = std.duration(
      regsub(beresp.http.cdn-cache-control, "^.*max-age=([0-9]+).*$", "\1s"), 0s) - beresp.age;
    set beresp.grace = 0s;
    if (beresp.http.cdn-cache-control ~ "stale-while-revalidate=[0-9]+") {
      set beresp.grace = std.duration(
        regsub(beresp.http.cdn-cache-control, "^.*stale-while-revalidate=([0-9]+).*$", "\1s"), 0s);
    }
    set beresp.keep = 0s;
    set beresp.http.xkey = beresp.http.surrogate-key;
    unset beresp.http.set-cookie;
    return (deliver);
  }
  # The gateway has nothing newer: what is past its time stays for as long as it may.
  if (bereq.is_bgfetch) {
    return (abandon);
  }
  # Not there now; it may be in a moment, and nobody need queue for that.
  set beresp.uncacheable = true;
  set beresp.ttl = 100ms;
  set beresp.grace = 0s;
  return (deliver);
}

sub vcl_backend_error {
  if (bereq.is_bgfetch) {
    return (abandon);
  }
}

sub vcl_deliver {
  # What the edge goes by is nobody's business beyond it.
  unset resp.http.xkey;
  unset resp.http.surrogate-key;
  unset resp.http.surrogate-control;
  unset resp.http.cache-tag;
  unset resp.http.cdn-cache-control;
  if (req.url ~ "^/economizer/edge/") {
    if (obj.hits > 0) {
      set resp.http.cache-status = "varnish; hit";
    } else {
      set resp.http.cache-status = "varnish; fwd=miss";
    }
  }
  if (req.http.x-edge-query && resp.http.cache-status) {
    if (obj.hits > 0) {
      set resp.http.cache-status = resp.http.cache-status + ", varnish; hit";
    } else {
      set resp.http.cache-status = resp.http.cache-status + ", varnish; fwd=miss";
    }
  }
}
