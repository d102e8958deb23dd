package dev.hyaline.explorer;

import dev.hyaline.files.Markup;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * One HTML file that opens in a browser from disk. It reads without a script, asks for nothing outside itself, which
 * its content security policy also forbids, follows the reader's choice of light or dark, and can be printed. Equal
 * views give equal text.
 */
public final class Page {
    private static final String POLICY =
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:;" + " base-uri 'none'; form-action 'none'";
    private static final String STYLE = style();

    /** With fewer sections a reader needs no list of them. */
    private static final int LISTED_SECTIONS = 4;

    private final String title;
    private final String subtitle;
    private final Tone tone;
    private final List<View> views;

    private Page(String title, String subtitle, Tone tone, List<View> views) {
        this.title = title;
        this.subtitle = subtitle;
        this.tone = tone;
        this.views = List.copyOf(views);
    }

    /** A page of views, one below the other. */
    public static Page of(String title, View... views) {
        return of(title, List.of(views));
    }

    /** A page of views, one below the other. */
    public static Page of(String title, List<View> views) {
        return new Page(title, "", Tone.PLAIN, views);
    }

    /** The same page with a line below its title, such as a model and a task. */
    public Page withSubtitle(String newSubtitle) {
        return new Page(title, newSubtitle, tone, views);
    }

    /** The same page, whose whole head has the colour of a tone. */
    public Page withTone(Tone newTone) {
        return new Page(title, subtitle, newTone, views);
    }

    /** The file's text. */
    public String html() {
        HtmlWriter content = new HtmlWriter();
        views.forEach(view -> view.write(content));
        HtmlWriter contents = new HtmlWriter();
        if (content.sections().size() >= LISTED_SECTIONS) {
            contents.open("nav", "aria-label", "Sections").open("ol");
            content.sections()
                    .forEach((id, name) -> contents.open("li")
                            .element("a", name, "href", "#" + id)
                            .close());
            contents.close().close();
        }
        StringBuilder html =
                new StringBuilder("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.append("<meta http-equiv=\"Content-Security-Policy\" content=\"")
                .append(POLICY)
                .append("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
                .append("<meta name=\"color-scheme\" content=\"light dark\">\n")
                .append("<meta name=\"referrer\" content=\"no-referrer\">\n<title>")
                .append(Markup.escaped(title))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the content</a>\n")
                .append("<header class=\"")
                .append(tone.styleClass())
                .append("\"><div>\n<h1>")
                .append(Markup.escaped(title))
                .append("</h1>\n");
        if (!subtitle.isEmpty()) {
            html.append("<p>").append(Markup.escaped(subtitle)).append("</p>\n");
        }
        html.append("</div></header>\n");
        return html.append(contents.html())
                .append("<main id=\"content\">\n")
                .append(content.html())
                .append("</main>\n</body>\n</html>\n")
                .toString();
    }

    private static String style() {
        try (InputStream style = Page.class.getResourceAsStream("page.css")) {
            return new String(Objects.requireNonNull(style, "page.css").readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
