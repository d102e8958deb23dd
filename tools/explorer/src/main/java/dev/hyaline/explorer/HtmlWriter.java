package dev.hyaline.explorer;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Markup;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Writes elements and text of a page. All text is escaped, and only elements, attributes and addresses are taken that
 * can neither run a script nor ask for anything outside the file.
 */
public final class HtmlWriter {
    private static final Set<String> ELEMENTS = Set.of(
            "a",
            "b",
            "br",
            "caption",
            "code",
            "dd",
            "details",
            "div",
            "dl",
            "dt",
            "em",
            "figcaption",
            "figure",
            "h2",
            "h3",
            "h4",
            "li",
            "nav",
            "ol",
            "p",
            "pre",
            "section",
            "small",
            "span",
            "strong",
            "summary",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul");
    private static final Set<String> ATTRIBUTES = Set.of(
            "aria-hidden",
            "aria-label",
            "aria-labelledby",
            "class",
            "colspan",
            "download",
            "href",
            "id",
            "open",
            "role",
            "scope",
            "style",
            "tabindex",
            "title");

    /** A place on the page, a file beside it, or a table to be saved. */
    private static final Pattern ADDRESS = Pattern.compile(
            "#[\\w-]+|[\\w-][\\w.-]*\\.html(#[\\w-]+)?|data:text/csv;charset=utf-8;base64,[A-Za-z0-9+/=]*");

    /** Sizes and colours; nothing that names a resource. */
    private static final Pattern STYLE = Pattern.compile("([a-z-]+:[\\w.,#%() -]+;?)*");

    private final StringBuilder html = new StringBuilder();
    private final Deque<String> open = new ArrayDeque<>();
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<String, String> sections = new LinkedHashMap<>();

    HtmlWriter() {}

    /**
     * Begins an element.
     *
     * @param attributes names and values in turn
     * @throws BadInputException if a page has no such elements, attributes or addresses
     */
    public HtmlWriter open(String element, String... attributes) {
        if (!ELEMENTS.contains(element)) {
            throw new BadInputException("a page has no elements " + element);
        }
        if (attributes.length % 2 != 0) {
            throw new BadInputException("attributes are names and values in turn, found " + attributes.length);
        }
        html.append('<').append(element);
        for (int i = 0; i < attributes.length; i += 2) {
            attribute(attributes[i], attributes[i + 1]);
        }
        html.append('>');
        if (!element.equals("br")) {
            open.push(element);
        }
        return this;
    }

    private void attribute(String name, String value) {
        if (!ATTRIBUTES.contains(name)) {
            throw new BadInputException("elements of a page have no attribute " + name);
        }
        if (name.equals("href") && !ADDRESS.matcher(value).matches()) {
            throw new BadInputException("a page links to its own places, to pages beside it and to tables inside it");
        }
        if (name.equals("style") && (!STYLE.matcher(value).matches() || value.contains("url"))) {
            throw new BadInputException("a page's elements have only sizes and colours as their style");
        }
        html.append(' ')
                .append(name)
                .append("=\"")
                .append(Markup.escaped(value))
                .append('"');
    }

    /** Ends the element that was begun last. */
    public HtmlWriter close() {
        String element = open.pop();
        html.append("</").append(element).append('>');
        if (element.matches(
                "p|h[234]|nav|div|section|table|tr|thead|tbody|ul|ol|li|dl|dd|figure|details|pre|figcaption")) {
            html.append('\n');
        }
        return this;
    }

    /** Writes text; line feeds stay. */
    public HtmlWriter text(String text) {
        html.append(Markup.escaped(text));
        return this;
    }

    /** Writes an element of text alone. */
    public HtmlWriter element(String element, String text, String... attributes) {
        return open(element, attributes).text(text).close();
    }

    /**
     * Writes a picture.
     *
     * @param alternative what it shows, in words, for those who cannot see it
     */
    public HtmlWriter picture(Picture picture, String alternative) {
        open(
                "div",
                "class",
                "plot",
                "role",
                "img",
                "tabindex",
                "0",
                "aria-label",
                alternative,
                "style",
                String.format(Locale.ROOT, "--width:%dpx", picture.width()));
        html.append(picture.svg());
        return close();
    }

    /** Writes the place of a number in the machine-readable twin of the page, small. Nothing if it is empty. */
    public HtmlWriter address(String address) {
        return address.isEmpty() ? this : element("code", address, "class", "id");
    }

    /** An id for an element, made of the letters of its title; unlike those given before. */
    public String newId(String title) {
        String letters =
                title.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        String id = letters.isEmpty() ? "part" : letters;
        int times = ids.merge(id, 1, Integer::sum);
        return times == 1 ? id : newId(id + "-" + times);
    }

    /** Begins a section under a heading, which is the smaller the more sections it lies in. */
    void openSection(String title) {
        openSection(newId(title), title);
    }

    /** Begins the section of a view that a script draws, and returns its id, which is its name in addresses. */
    String openData(String name, String title) {
        String id = newId(name);
        openSection(id, title);
        return id;
    }

    private void openSection(String id, String title) {
        int depth = (int) open.stream().filter("section"::equals).count();
        if (depth == 0) {
            sections.put(id, title);
        }
        open("section", "id", id, "aria-labelledby", id + "-title");
        element("h" + Math.min(4, depth + 2), title, "id", id + "-title");
    }

    /** The titles of the outer sections by id, in order. */
    Map<String, String> sections() {
        return sections;
    }

    /** What was written. */
    String html() {
        if (!open.isEmpty()) {
            throw new BadInputException("a view left the element " + open.peek() + " open");
        }
        return html.toString();
    }
}
