package dev.hyaline.explorer;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.JsonText;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The modules that a page's views need, as {@code data:} addresses in an import map: a browser loads no module file
 * from disk. Modules name each other {@code ./name.js}, which a server serves as they are; in a page the names become
 * {@code hyaline/name.js}, which the map knows.
 */
final class PageScripts {
    private static final String FOLDER = "js/";
    private static final String PREFIX = "hyaline/";
    private static final String START = "import \"" + PREFIX + "page.js\";";
    private static final Pattern IMPORT = Pattern.compile("(\\bfrom |\\bimport |\\bimport\\()([\"`])\\./");
    private static final Pattern STATIC_IMPORT = Pattern.compile("\\bfrom \"\\./([a-z0-9]+\\.js)\"");

    private final Map<String, String> modules = new TreeMap<>();

    /** The modules of some views, and those that they import. */
    PageScripts(Collection<String> views) {
        add("page.js");
        views.forEach(view -> add(view + ".js"));
    }

    private void add(String name) {
        if (modules.containsKey(name)) {
            return;
        }
        String source = resource(FOLDER + name);
        modules.put(name, IMPORT.matcher(source).replaceAll("$1$2" + PREFIX));
        STATIC_IMPORT.matcher(source).results().forEach(match -> add(match.group(1)));
    }

    private String importMap() {
        byte[] json = JsonText.compact(out -> {
            out.writeStartObject();
            out.writeObjectPropertyStart("imports");
            modules.forEach((name, source) -> out.writeStringProperty(
                    PREFIX + name,
                    "data:text/javascript;base64,"
                            + Base64.getEncoder().encodeToString(source.getBytes(StandardCharsets.UTF_8))));
            out.writeEndObject();
            out.writeEndObject();
        });
        return new String(json, StandardCharsets.UTF_8);
    }

    /** What the content security policy allows: these scripts and modules that they hold. */
    String policy() {
        return "script-src '" + hash(importMap()) + "' '" + hash(START) + "' data:";
    }

    /** The elements. */
    String html() {
        return "<script type=\"importmap\">" + importMap() + "</script>\n<script type=\"module\">" + START
                + "</script>\n";
    }

    private static String hash(String script) {
        byte[] digest = Digests.sha256().digest(script.getBytes(StandardCharsets.UTF_8));
        return "sha256-" + Base64.getEncoder().encodeToString(digest);
    }

    /** The text of a file beside the page's class. */
    static String resource(String name) {
        try (InputStream text = Page.class.getResourceAsStream(name)) {
            if (text == null) {
                throw new BadInputException("a page has no file " + name);
            }
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
