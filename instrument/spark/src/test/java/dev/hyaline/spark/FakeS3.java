package dev.hyaline.spark;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An object store in memory that speaks as much of S3's language as s3a does here. Checks no signature. */
final class FakeS3 implements AutoCloseable {
    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d*)");
    private static final Pattern DELETED = Pattern.compile("<Key>([^<]*)</Key>");

    /** Uploads that are cut off, from the first on; each once half of its body came. */
    final AtomicInteger cuts = new AtomicInteger();

    final AtomicInteger cut = new AtomicInteger();
    final AtomicInteger parts = new AtomicInteger();

    /** By bucket and key, such as {@code bucket/key}. */
    final Map<String, byte[]> objects = new ConcurrentSkipListMap<>();

    private final Map<String, Map<Integer, byte[]>> uploads = new ConcurrentHashMap<>();
    private final AtomicInteger nextUpload = new AtomicInteger();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;

    FakeS3() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String key = exchange.getRequestURI().getPath().substring(1);
            Map<String, String> query = query(exchange.getRequestURI().getRawQuery());
            switch (exchange.getRequestMethod()) {
                case "HEAD" -> head(exchange, key);
                case "GET" -> get(exchange, key, query);
                case "PUT" -> put(exchange, key, query);
                case "POST" -> post(exchange, key, query);
                case "DELETE" -> {
                    if (query.containsKey("uploadId")) {
                        uploads.remove(query.get("uploadId"));
                    } else {
                        objects.remove(key);
                    }
                    exchange.sendResponseHeaders(204, -1);
                }
                default -> exchange.sendResponseHeaders(405, -1);
            }
        }
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new TreeMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&", -1)) {
            String[] sides = pair.split("=", 2);
            query.put(sides[0], sides.length == 1 ? "" : URLDecoder.decode(sides[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    private static String etag(byte[] content) {
        return "\"" + Integer.toHexString(Arrays.hashCode(content)) + "-" + content.length + "\"";
    }

    private static void headers(HttpExchange exchange, byte[] content) {
        exchange.getResponseHeaders().set("ETag", etag(content));
        exchange.getResponseHeaders().set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT");
        exchange.getResponseHeaders().set("Accept-Ranges", "bytes");
    }

    private void head(HttpExchange exchange, String key) throws IOException {
        byte[] content = objects.get(key);
        if (content == null) {
            exchange.sendResponseHeaders(key.contains("/") ? 404 : 200, -1);
            return;
        }
        headers(exchange, content);
        exchange.getResponseHeaders().set("Content-Length", String.valueOf(content.length));
        exchange.sendResponseHeaders(200, -1);
    }

    private void get(HttpExchange exchange, String key, Map<String, String> query) throws IOException {
        if (query.containsKey("list-type")) {
            send(exchange, 200, list(key.replaceAll("/$", ""), query));
            return;
        }
        byte[] content = objects.get(key);
        if (content == null) {
            send(exchange, 404, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>");
            return;
        }
        headers(exchange, content);
        String asked = exchange.getRequestHeaders().getFirst("Range");
        Matcher range = RANGE.matcher(asked == null ? "" : asked);
        if (!range.matches()) {
            exchange.sendResponseHeaders(200, content.length == 0 ? -1 : content.length);
            exchange.getResponseBody().write(content);
            return;
        }
        int from = Integer.parseInt(range.group(1));
        int to = range.group(2).isEmpty()
                ? content.length - 1
                : (int) Math.min(content.length - 1, Long.parseLong(range.group(2)));
        exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + to + "/" + content.length);
        exchange.sendResponseHeaders(206, to + 1 - from);
        exchange.getResponseBody().write(content, from, to + 1 - from);
    }

    private String list(String bucket, Map<String, String> query) {
        String prefix = query.getOrDefault("prefix", "");
        String delimiter = query.getOrDefault("delimiter", "");
        Map<String, String> entries = new TreeMap<>();
        objects.forEach((name, content) -> {
            if (!name.startsWith(bucket + "/" + prefix)) {
                return;
            }
            String key = name.substring(bucket.length() + 1);
            int end = delimiter.isEmpty() ? -1 : key.indexOf(delimiter, prefix.length());
            if (end >= 0) {
                String common = key.substring(0, end + 1);
                entries.put(common, "<CommonPrefixes><Prefix>" + common + "</Prefix></CommonPrefixes>");
            } else {
                entries.put(
                        key,
                        "<Contents><Key>" + key + "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"
                                + etag(content).replace("\"", "&quot;") + "</ETag><Size>" + content.length
                                + "</Size><StorageClass>STANDARD</StorageClass></Contents>");
            }
        });
        return "<ListBucketResult><Name>" + bucket + "</Name><Prefix>" + prefix + "</Prefix><KeyCount>"
                + entries.size() + "</KeyCount><MaxKeys>5000</MaxKeys><IsTruncated>false</IsTruncated>"
                + String.join("", entries.values()) + "</ListBucketResult>";
    }

    private void put(HttpExchange exchange, String key, Map<String, String> query) throws IOException {
        if (cuts.get() > 0 && length(exchange) > 1000 && cuts.getAndDecrement() > 0) {
            exchange.getRequestBody().readNBytes(length(exchange) / 2);
            cut.incrementAndGet();
            return; // Closed without an answer, while the client is writing.
        }
        byte[] content = body(exchange);
        if ("*".equals(exchange.getRequestHeaders().getFirst("If-None-Match")) && objects.containsKey(key)) {
            send(exchange, 412, "<Error><Code>PreconditionFailed</Code><Message>there</Message></Error>");
            return;
        }
        if (query.containsKey("uploadId")) {
            uploads.get(query.get("uploadId")).put(Integer.valueOf(query.get("partNumber")), content);
            parts.incrementAndGet();
        } else {
            objects.put(key, content);
        }
        headers(exchange, content);
        exchange.sendResponseHeaders(200, -1);
    }

    private void post(HttpExchange exchange, String key, Map<String, String> query) throws IOException {
        String body = new String(body(exchange), StandardCharsets.UTF_8);
        if (query.containsKey("uploads")) {
            String id = "upload-" + nextUpload.incrementAndGet();
            uploads.put(id, new ConcurrentSkipListMap<>());
            send(
                    exchange,
                    200,
                    "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
        } else if (query.containsKey("uploadId")) {
            ByteArrayOutputStream whole = new ByteArrayOutputStream();
            uploads.remove(query.get("uploadId")).values().forEach(whole::writeBytes);
            objects.put(key, whole.toByteArray());
            send(
                    exchange,
                    200,
                    "<CompleteMultipartUploadResult><ETag>"
                            + etag(whole.toByteArray()).replace("\"", "&quot;")
                            + "</ETag></CompleteMultipartUploadResult>");
        } else {
            String bucket = key.replaceAll("/.*", "");
            DELETED.matcher(body).results().forEach(found -> objects.remove(bucket + "/" + found.group(1)));
            send(exchange, 200, "<DeleteResult></DeleteResult>");
        }
    }

    private static int length(HttpExchange exchange) {
        String length = exchange.getRequestHeaders().getFirst("Content-Length");
        return length == null ? 0 : Integer.parseInt(length);
    }

    /** The body, whose pieces carry headers and a checksum behind them if the client streams. */
    private static byte[] body(HttpExchange exchange) throws IOException {
        InputStream in = exchange.getRequestBody();
        if (exchange.getRequestHeaders().getFirst("x-amz-decoded-content-length") == null) {
            return in.readAllBytes();
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int length; (length = Integer.parseInt(line(in).split(";", 2)[0], 16)) > 0; ) {
            body.write(in.readNBytes(length));
            line(in);
        }
        in.readAllBytes();
        return body.toByteArray();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c; (c = in.read()) >= 0 && c != '\n'; ) {
            line.append((char) c);
        }
        return line.toString().strip();
    }

    private static void send(HttpExchange exchange, int status, String xml) {
        byte[] content = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + xml).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/xml");
        try {
            exchange.sendResponseHeaders(status, content.length);
            exchange.getResponseBody().write(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
