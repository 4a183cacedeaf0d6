# Varnish (7.1 or later, with the modules `std` and `xkey`) as the edge of Economizer; docs/guide/edge.md explains it.
#
# Start varnishd with the variable ECONOMIZER_PURGE_SECRET set to what edge.purge.secret says.
# Put the address of your gateway into `backend`, and those of all who purge (gateways, and machines where
# `economizer purge` runs) into `purgers`.
vcl 4.1;

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

  # Secrets are for us, not for those behind.
  unset req.http.x-economizer-purge-secret;

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

  # Calls themselves (POST, QUERY and all others) go through untouched: who may have which answer is the gateway's business.
  return (pass);
}

sub vcl_hash {
  hash_data(req.url);
  return (lookup);
}

sub vcl_backend_response {
  if (bereq.uncacheable) {
    return (deliver);
  }
  # RFC 9213: what CDN-Cache-Control says goes before Cache-Control, which is for browsers.
  if (beresp.status == 200 && beresp.http.cdn-cache-control ~ "max-age=[0-9]+") {
    set beresp.ttl = std.duration(
      regsub(beresp.http.cdn-cache-control, "^.*max-age=([0-9]+).*$", "\1s"), 0s);
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
}
