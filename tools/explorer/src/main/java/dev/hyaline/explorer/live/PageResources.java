package dev.hyaline.explorer.live;

import com.sun.net.httpserver.HttpExchange;
import dev.hyaline.explorer.Page;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The files of a page, found in the jar before the first request: these and no others. No path is ever made of what a
 * request names.
 */
final class PageResources {
    private static final String HTML = "text/html; charset=utf-8";
    private static final String CSS = "text/css; charset=utf-8";
    private static final String SCRIPT = "text/javascript; charset=utf-8";

    private static final List<String> STYLES = List.of("page.css", "views.css");
    private static final Pattern IMPORT = Pattern.compile("(?:from |import\\()\"\\./([a-z0-9]+\\.js)\"");

    /** A file as it is sent. */
    private record Resource(String type, byte[] content) {}

    private static final Map<String, Resource> RESOURCES = resources();

    private PageResources() {}

    private static Map<String, Resource> resources() {
        Map<String, Resource> resources = new TreeMap<>();
        STYLES.forEach(name -> resources.put("/" + name, new Resource(CSS, content(name))));
        addModule("page.js", resources);
        LiveViews.names().forEach(view -> addModule(view + ".js", resources));
        List<String> modules = resources.keySet().stream()
                .filter(path -> path.endsWith(".js"))
                .map(path -> path.substring(1))
                .toList();
        resources.put("/", new Resource(HTML, Page.live("Hyaline", modules).getBytes(StandardCharsets.UTF_8)));
        return resources;
    }

    /** Adds a module and those that it imports. */
    private static void addModule(String name, Map<String, Resource> resources) {
        byte[] content = content("js/" + name);
        if (resources.putIfAbsent("/js/" + name, new Resource(SCRIPT, content)) == null) {
            IMPORT.matcher(new String(content, StandardCharsets.UTF_8))
                    .results()
                    .forEach(match -> addModule(match.group(1), resources));
        }
    }

    private static byte[] content(String name) {
        try (InputStream in = Objects.requireNonNull(Page.class.getResourceAsStream(name), name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void answer(HttpExchange exchange, Answer answer) throws IOException {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            answer.allow("GET, HEAD");
            return;
        }
        String path = exchange.getRequestURI().getRawPath();
        if (path.equals("/favicon.ico")) {
            answer.send(204, HTML, new byte[0]);
            return;
        }
        Resource resource = RESOURCES.get(path);
        if (resource == null) {
            answer.refuse(404, "there is no such file");
        } else {
            answer.send(200, resource.type(), resource.content());
        }
    }
}
