package dev.hyaline.weights.hub;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A hub and its file store, two servers on this machine, that answer as huggingface.co does: small files after a
 * redirect within the hub, large ones after a redirect to the store. Tests put faults before the true answers.
 */
final class FakeHub implements AutoCloseable {
    private static final Pattern LISTING = Pattern.compile("/api/models/(.+)/revision/([^/]+)");
    private static final Pattern RESOLVE = Pattern.compile("/(.+)/resolve/([^/]+)/(.+)");
    private static final Pattern SMALL = Pattern.compile("/api/resolve-cache/models/(.+)/([0-9a-f]{40})/(.+)");

    static {
        // Else each answer waits 40 ms for the last one's acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    /** A request that came in. */
    record Seen(boolean store, String method, String path, Optional<String> token, Optional<String> range) {}

    /** Answers in the hub's stead, or does not and returns false. */
    interface Fault {
        boolean answers(HttpExchange exchange) throws IOException;
    }

    /** A repository, of whose commits the hub knows the last. */
    static final class Repository {
        final String name;
        volatile String commit;
        final Map<String, byte[]> files = new LinkedHashMap<>();
        final List<String> revisions = new CopyOnWriteArrayList<>(List.of("main"));

        /** What the listing says instead, for names that no honest hub has. */
        UnaryOperator<String> listing = json -> json;

        private Repository(String name) {
            this.name = name;
            this.commit = hex("SHA-1", name.getBytes(UTF_8));
        }

        Repository file(String file, byte[] content) {
            files.put(file, content);
            return this;
        }

        /** Goes on to another commit, which the branch then means. */
        void commit(String seed) {
            commit = hex("SHA-1", seed.getBytes(UTF_8));
        }

        Repository file(String file, String content) {
            return file(file, content.getBytes(UTF_8));
        }
    }

    final List<Seen> seen = new CopyOnWriteArrayList<>();
    final List<Fault> hubFaults = new CopyOnWriteArrayList<>();
    final List<Fault> storeFaults = new CopyOnWriteArrayList<>();

    private final Map<String, Repository> repositories = new LinkedHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer hub = start(this::hub, false);
    private final HttpServer store = start(this::store, true);

    Repository repository(String name) {
        return repositories.computeIfAbsent(name, Repository::new);
    }

    String endpoint() {
        return "http://127.0.0.1:" + hub.getAddress().getPort();
    }

    /** Another host by name. */
    String storeAddress() {
        return "http://localhost:" + store.getAddress().getPort();
    }

    /** Requests for one file's content. */
    List<Seen> gets(String file) {
        return seen.stream()
                .filter(request -> request.method.equals("GET") && request.path.endsWith("/" + file))
                .toList();
    }

    private HttpServer start(HttpHandler handler, boolean isStore) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                seen.add(new Seen(
                        isStore,
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().getRawPath(),
                        Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization")),
                        Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range"))));
                try (exchange) {
                    handler.handle(exchange);
                }
            });
            server.setExecutor(threads);
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean failed(List<Fault> faults, HttpExchange exchange) throws IOException {
        for (Fault fault : faults) {
            if (fault.answers(exchange)) {
                return true;
            }
        }
        return false;
    }

    private void hub(HttpExchange exchange) throws IOException {
        if (failed(hubFaults, exchange)) {
            return;
        }
        String path = exchange.getRequestURI().getRawPath();
        Matcher listing = LISTING.matcher(path);
        Matcher small = SMALL.matcher(path);
        Matcher resolve = RESOLVE.matcher(path);
        if (listing.matches()) {
            list(exchange, listing.group(1), listing.group(2));
        } else if (small.matches()) {
            Repository repository = repositories.get(small.group(1));
            byte[] content = repository.files.get(small.group(3));
            exchange.getResponseHeaders().set("X-Repo-Commit", repository.commit);
            exchange.getResponseHeaders().set("ETag", '"' + gitHash(content) + '"');
            body(exchange, content);
        } else if (resolve.matches()) {
            resolve(exchange, resolve.group(1), resolve.group(2), resolve.group(3));
        } else {
            refuse(exchange, 404, "");
        }
    }

    private Repository find(HttpExchange exchange, String name, String revision) throws IOException {
        Repository repository = repositories.get(name);
        boolean signedIn = exchange.getRequestHeaders().containsKey("Authorization");
        if (repository == null) {
            refuse(exchange, signedIn ? 404 : 401, "RepoNotFound");
            return null;
        }
        String plain = URLDecoder.decode(revision, UTF_8);
        if (!plain.equals(repository.commit) && !repository.revisions.contains(plain)) {
            refuse(exchange, 404, "RevisionNotFound");
            return null;
        }
        return repository;
    }

    private void list(HttpExchange exchange, String name, String revision) throws IOException {
        Repository repository = find(exchange, name, revision);
        if (repository != null) {
            String siblings = repository.files.keySet().stream()
                    .map(file -> "{\"rfilename\": \"" + file + "\"}")
                    .collect(Collectors.joining(", "));
            String json = "{\"id\": \"%s\", \"sha\": \"%s\", \"gated\": false, \"siblings\": [%s]}"
                    .formatted(name, repository.commit, siblings);
            body(exchange, repository.listing.apply(json).getBytes(UTF_8));
        }
    }

    private void resolve(HttpExchange exchange, String name, String revision, String file) throws IOException {
        Repository repository = find(exchange, name, revision);
        if (repository == null) {
            return;
        }
        exchange.getResponseHeaders().set("X-Repo-Commit", repository.commit);
        byte[] content = repository.files.get(file);
        if (content == null) {
            refuse(exchange, 404, "EntryNotFound");
        } else if (isLarge(file)) {
            exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(content.length));
            exchange.getResponseHeaders().set("X-Linked-Etag", '"' + hex("SHA-256", content) + '"');
            redirect(exchange, storeAddress() + "/" + name + "/" + file + "?signature=s3cret");
        } else {
            redirect(exchange, "/api/resolve-cache/models/" + name + "/" + repository.commit + "/" + file);
        }
    }

    private void store(HttpExchange exchange) throws IOException {
        if (failed(storeFaults, exchange)) {
            return;
        }
        String path = exchange.getRequestURI().getRawPath();
        exchange.getResponseHeaders().set("ETag", "\"an-etag-of-the-store\"");
        Repository repository = repositories.values().stream()
                .filter(known -> path.startsWith("/" + known.name + "/"))
                .findFirst()
                .orElseThrow();
        body(exchange, repository.files.get(path.substring(repository.name.length() + 2)));
    }

    static boolean isLarge(String file) {
        return file.endsWith(".safetensors") || file.endsWith(".bin");
    }

    /** Sends a content, or the part of it that is asked for. */
    static void body(HttpExchange exchange, byte[] content) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
        byte[] part = Arrays.copyOfRange(content, from, content.length);
        if (range != null) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(part.length));
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        exchange.sendResponseHeaders(range == null ? 200 : 206, part.length == 0 ? -1 : part.length);
        exchange.getResponseBody().write(part);
    }

    static void redirect(HttpExchange exchange, String location) throws IOException {
        exchange.getResponseHeaders().set("Location", location);
        exchange.sendResponseHeaders(URI.create(location).isAbsolute() ? 302 : 307, -1);
    }

    static void refuse(HttpExchange exchange, int status, String errorCode) throws IOException {
        if (!errorCode.isEmpty()) {
            exchange.getResponseHeaders().set("X-Error-Code", errorCode);
        }
        exchange.sendResponseHeaders(status, -1);
    }

    static String gitHash(byte[] content) {
        byte[] header = ("blob " + content.length + "\0").getBytes(UTF_8);
        byte[] blob = Arrays.copyOf(header, header.length + content.length);
        System.arraycopy(content, 0, blob, header.length, content.length);
        return hex("SHA-1", blob);
    }

    static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
