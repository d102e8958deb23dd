package dev.hyaline.weights.hub;

import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the hub and its cache, from the environment variables of Python's {@code huggingface_hub}.
 *
 * @param endpoint the hub, without a slash at its end ({@code HF_ENDPOINT})
 * @param token if there is one: shown to the endpoint and to no other host ({@code HF_TOKEN}, or the file that
 *     {@code hf auth login} has written); not part of {@link #toString}
 * @param offline whether nothing may be downloaded ({@code HF_HUB_OFFLINE})
 * @param cache the folder of cached repositories ({@code HF_HUB_CACHE}, {@code HF_HOME}, {@code XDG_CACHE_HOME})
 * @param symbolicLinks whether snapshots are made of links, where the file system can ({@code HF_HUB_DISABLE_SYMLINKS})
 * @param timeout how long a server may be silent before the connection is given up ({@code HF_HUB_DOWNLOAD_TIMEOUT}, in
 *     seconds)
 * @param pause before a failed request is tried for the second time; each further one is twice as long
 * @param proxies through which to reach servers
 */
public record HubSettings(
        URI endpoint,
        @Nullable String token,
        boolean offline,
        Path cache,
        boolean symbolicLinks,
        Duration timeout,
        Duration pause,
        Proxies proxies) {

    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration DEFAULT_PAUSE = Duration.ofSeconds(1);
    private static final int MAX_TOKEN_FILE_LENGTH = 1 << 12;
    private static final Pattern VARIABLE = Pattern.compile("\\$(?:(\\w+)|\\{([^}]*)\\})");

    /**
     * The proxies of {@code http_proxy}, {@code https_proxy}, {@code all_proxy} and {@code no_proxy}. If none is named,
     * Java's own settings ({@code https.proxyHost} and the like) apply.
     *
     * @param byScheme for addresses that begin with {@code http:} or {@code https:}; may carry a user and a password
     * @param exceptions hosts and ends of hosts that are reached directly; {@code *} stands for all
     */
    public record Proxies(Map<String, URI> byScheme, List<String> exceptions) {
        public Proxies {
            byScheme = Map.copyOf(byScheme);
            exceptions = List.copyOf(exceptions);
        }

        /** The proxy for addresses that begin with {@code http:}. */
        public Optional<URI> http() {
            return Optional.ofNullable(byScheme.get("http"));
        }

        /** The proxy for addresses that begin with {@code https:}. */
        public Optional<URI> https() {
            return Optional.ofNullable(byScheme.get("https"));
        }

        /** Omits the addresses, which may contain a password. */
        @Override
        public String toString() {
            return "Proxies[http=" + http().map(URI::getHost) + ", https=" + https().map(URI::getHost) + "]";
        }
    }

    /**
     * Reads the settings from an environment, such as {@code System.getenv()}, and the token's file.
     *
     * @throws HubException if a variable has an invalid value, naming the variable
     */
    public static HubSettings of(Map<String, String> environment) {
        Environment variables = new Environment(environment);
        Path home = variables
                .path("HF_HOME")
                .orElseGet(() -> variables
                        .path("XDG_CACHE_HOME")
                        .orElseGet(() -> variables.home().resolve(".cache"))
                        .resolve("huggingface"));
        Path cache = variables
                .path("HF_HUB_CACHE")
                .or(() -> variables.path("HUGGINGFACE_HUB_CACHE"))
                .orElseGet(() -> home.resolve("hub"));
        return new HubSettings(
                variables.address("HF_ENDPOINT").orElseGet(() -> URI.create(DEFAULT_ENDPOINT)),
                token(variables, home).orElse(null),
                variables.flag("HF_HUB_OFFLINE") || variables.flag("TRANSFORMERS_OFFLINE"),
                cache.toAbsolutePath().normalize(),
                !variables.flag("HF_HUB_DISABLE_SYMLINKS"),
                variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT").orElse(DEFAULT_TIMEOUT),
                DEFAULT_PAUSE,
                proxies(variables));
    }

    /** The same settings with another pause. */
    public HubSettings withPause(Duration otherPause) {
        return new HubSettings(endpoint, token, offline, cache, symbolicLinks, timeout, otherPause, proxies);
    }

    /** Omits the token. */
    @Override
    public String toString() {
        return "HubSettings[endpoint=" + endpoint + ", token=" + (token != null ? "set" : "none") + ", offline="
                + offline + ", cache=" + cache + ", timeout=" + timeout + ", " + proxies + "]";
    }

    private static Optional<String> token(Environment variables, Path home) {
        if (variables.flag("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
            return Optional.empty();
        }
        return variables
                .text("HF_TOKEN")
                .or(() -> variables.text("HUGGING_FACE_HUB_TOKEN"))
                .map(text -> cleanToken("HF_TOKEN", text))
                .or(() -> tokenIn(variables.path("HF_TOKEN_PATH").orElseGet(() -> home.resolve("token"))));
    }

    private static Optional<String> tokenIn(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > MAX_TOKEN_FILE_LENGTH) {
                return Optional.empty();
            }
            String text = Files.readString(file).strip();
            return text.isEmpty() ? Optional.empty() : Optional.of(cleanToken(file.toString(), text));
        } catch (IOException e) {
            // As in Python, a token that cannot be read is ignored: most models need none.
            return Optional.empty();
        }
    }

    /** Refuses a token that is not visible ASCII: a header takes no other, and Java's error message would print it. */
    private static String cleanToken(String source, String text) {
        String token = text.replaceAll("[\r\n]", "").strip();
        if (!token.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
            throw new HubException(
                    Reason.SETTING, source + " must hold a token of the hub, hf_ and letters; it has other characters");
        }
        return token;
    }

    private static Proxies proxies(Environment variables) {
        Optional<URI> all = variables.proxy("all_proxy").or(() -> variables.proxy("ALL_PROXY"));
        Map<String, URI> byScheme = new HashMap<>();
        variables
                .proxy("http_proxy")
                .or(() -> variables.proxy("HTTP_PROXY"))
                .or(() -> all)
                .ifPresent(proxy -> byScheme.put("http", proxy));
        variables
                .proxy("https_proxy")
                .or(() -> variables.proxy("HTTPS_PROXY"))
                .or(() -> all)
                .ifPresent(proxy -> byScheme.put("https", proxy));
        return new Proxies(
                byScheme,
                List.of(variables
                        .text("no_proxy")
                        .or(() -> variables.text("NO_PROXY"))
                        .orElse("")
                        .toLowerCase(Locale.ROOT)
                        .split("[,\\s]+")));
    }

    /** Typed access to environment variables; an empty one counts as absent. */
    private record Environment(Map<String, String> variables) {
        Optional<String> text(String name) {
            return Optional.ofNullable(variables.get(name)).map(String::strip).filter(text -> !text.isEmpty());
        }

        boolean flag(String name) {
            return text(name)
                    .filter(text -> List.of("1", "on", "yes", "true").contains(text.toLowerCase(Locale.ROOT)))
                    .isPresent();
        }

        Path home() {
            return text("HOME")
                    .map(home -> pathOf("HOME", home))
                    .orElseGet(() -> Path.of(System.getProperty("user.home")));
        }

        /** A path with {@code ~} at its start and then {@code $NAME} and {@code ${NAME}} replaced, as in Python. */
        Optional<Path> path(String name) {
            return text(name).map(text -> {
                boolean inHome = text.equals("~") || text.startsWith("~/");
                return pathOf(name, expanded(inHome ? home() + text.substring(1) : text));
            });
        }

        private static Path pathOf(String name, String path) {
            try {
                return Path.of(path);
            } catch (InvalidPathException e) {
                throw bad(name, "the name of a folder");
            }
        }

        /** Replaces variables once; one that is not set stays as it is, and values are not expanded again. */
        private String expanded(String text) {
            return VARIABLE.matcher(text).replaceAll(found -> {
                String name = found.group(1) == null ? found.group(2) : found.group(1);
                return Matcher.quoteReplacement(variables.getOrDefault(name, found.group()));
            });
        }

        Optional<Duration> seconds(String name) {
            return text(name).map(text -> {
                if (!text.matches("\\d{1,6}(\\.\\d{1,3})?") || Double.parseDouble(text) == 0) {
                    throw bad(name, "a number of seconds above 0");
                }
                return Duration.ofMillis(Math.max(1, Math.round(1000 * Double.parseDouble(text))));
            });
        }

        Optional<URI> address(String name) {
            return text(name)
                    .map(text -> uri(name, text.replaceFirst("/+$", ""), "as " + DEFAULT_ENDPOINT))
                    .map(uri -> {
                        if (List.of("http", "https").contains(uri.getScheme()) && uri.getUserInfo() == null) {
                            return uri;
                        }
                        throw bad(name, "an address such as " + DEFAULT_ENDPOINT);
                    });
        }

        /**
         * Reads a proxy, with or without a scheme, such as {@code proxy:3128}. The scheme is checked when the proxy is
         * used.
         */
        Optional<URI> proxy(String name) {
            return text(name)
                    .map(text -> uri(name, text.contains("://") ? text : "http://" + text, "as http://proxy:3128"));
        }

        private static URI uri(String name, String text, String expected) {
            try {
                URI uri = URI.create(text);
                if (uri.getHost() != null) {
                    return uri;
                }
            } catch (IllegalArgumentException e) {
                // Reported below without the text, which may contain a password.
            }
            throw bad(name, "an address such " + expected);
        }

        private static HubException bad(String name, String expected) {
            return new HubException(Reason.SETTING, "the environment variable " + name + " must be " + expected);
        }
    }
}
