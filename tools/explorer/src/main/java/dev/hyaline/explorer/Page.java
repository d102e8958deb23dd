package dev.hyaline.explorer;

import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.files.Markup;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * One HTML file that opens in a browser from disk. It reads without a script, asks for nothing outside itself, which
 * its content security policy also forbids, follows the reader's choice of light or dark, and can be printed. Equal
 * views give equal text. A page with a {@link DataView} also holds the scripts that draw such views, and no others run.
 *
 * <p>For example: {@snippet file="dev/hyaline/explorer/PageTest.java" region="page"}
 */
public final class Page {
    private static final String POLICY =
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
    private static final String STYLE = PageScripts.resource("page.css");
    private static final String SCRIPTED_STYLE = PageScripts.resource("views.css");

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

    /**
     * A page that a server fills: its style and scripts are the files {@code page.css}, {@code views.css} and
     * {@code js/page.js} beside it.
     *
     * @param modules files that its scripts import, such as {@code js/grid.js}: a browser fetches them all at once
     */
    public static String live(String title, Collection<String> modules) {
        StringBuilder preloaded = new StringBuilder();
        modules.forEach(module -> preloaded
                .append("<link rel=\"modulepreload\" href=\"")
                .append(Markup.escaped(module))
                .append("\">\n"));
        return head(title, "")
                + "<link rel=\"stylesheet\" href=\"page.css\">\n<link rel=\"stylesheet\" href=\"views.css\">\n"
                + preloaded
                + "<script type=\"module\" src=\"js/page.js\"></script>\n</head>\n"
                + top(title, "", Tone.PLAIN, true)
                + "<main id=\"content\">\n</main>\n</body>\n</html>\n";
    }

    /** The file's text. */
    public String html() {
        HtmlWriter content = new HtmlWriter();
        StringBuilder embedded = new StringBuilder();
        Set<String> modules = new TreeSet<>();
        for (View view : views) {
            if (view instanceof DataView dataView) {
                ViewData data = dataView.data();
                modules.add(data.view());
                String id = content.openData(data.view(), data.heading().title());
                embedded.append(embedded(id, data));
                view.write(content);
                content.close();
            } else {
                view.write(content);
            }
        }
        boolean scripted = !modules.isEmpty();
        HtmlWriter contents = new HtmlWriter();
        if (content.sections().size() >= (scripted ? 2 : LISTED_SECTIONS)) {
            contents.open("nav", "aria-label", "Sections").open("ol");
            content.sections()
                    .forEach((id, name) -> contents.open("li")
                            .element("a", name, "href", "#" + id)
                            .close());
            contents.close().close();
        }
        PageScripts scripts = new PageScripts(modules);
        String policy = scripted ? POLICY + "; " + scripts.policy() : POLICY;
        return head(title, "<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n")
                + "<style>\n" + STYLE + (scripted ? SCRIPTED_STYLE : "") + "</style>\n</head>\n"
                + top(title, subtitle, tone, scripted)
                + contents.html()
                + "<main id=\"content\">\n"
                + content.html()
                + "</main>\n"
                + embedded
                + (scripted ? scripts.html() : "")
                + "</body>\n</html>\n";
    }

    /** The beginning of a file, before its style. */
    private static String head(String title, String policy) {
        return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + policy
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                + "<meta name=\"color-scheme\" content=\"light dark\">\n"
                + "<meta name=\"referrer\" content=\"no-referrer\">\n<title>"
                + Markup.escaped(title)
                + "</title>\n";
    }

    /** The beginning of the body. */
    private static String top(String title, String subtitle, Tone tone, boolean scripted) {
        return (scripted ? "<body class=\"views\">\n" : "<body>\n")
                + "<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header class=\""
                + tone.styleClass()
                + "\"><div>\n<h1>"
                + Markup.escaped(title)
                + "</h1>\n"
                + (subtitle.isEmpty() ? "" : "<p>" + Markup.escaped(subtitle) + "</p>\n")
                + "</div></header>\n";
    }

    /** A view's data, which no browser runs: letters of base64 alone. */
    private static String embedded(String id, ViewData data) {
        return "<script type=\"" + ViewData.MEDIA_TYPE + "\" data-for=\"" + id + "\" data-view=\"" + data.view()
                + "\" data-title=\"" + Markup.escaped(data.heading().title()) + "\">"
                + Base64.getEncoder().encodeToString(data.body()) + "</script>\n";
    }

    @Override
    public String toString() {
        return "page: " + title;
    }
}
