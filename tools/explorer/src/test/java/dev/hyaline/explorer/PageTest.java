package dev.hyaline.explorer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.EvidenceLadder.Rung;
import dev.hyaline.explorer.KeyFigures.KeyFigure;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.plot.IntervalPlot;
import dev.hyaline.explorer.plot.IntervalPlot.IntervalRow;
import dev.hyaline.explorer.plot.NullPlot;
import dev.hyaline.explorer.plot.PromptPlot;
import dev.hyaline.explorer.plot.StepPlot;
import dev.hyaline.explorer.plot.StepPlot.StepLine;
import dev.hyaline.explorer.view.EffectMapView;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PageTest {
    static final String HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u0000</title></style>";

    private static final Pattern TAG = Pattern.compile("<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*?)(/?)>");
    private static final Set<String> VOID = Set.of("meta", "br");

    @Test
    void theJavadocsExample() {
        ResultTable table = ResultTable.of(
                "Patching", "effect", "logits", List.of(Axis.layers(2), Axis.heads(2)), List.of("a"), new double[4]);
        // @start region="page"
        Page page = Page.of("Patching in fable", EffectMapView.of(ViewHeading.of("Patching", "fable"), table));
        String html = page.html(); // one file, to be written where it is wanted
        // @end
        assertThat(html).startsWith("<!doctype html>").contains("Patching in fable");
    }

    /** Every view, with the same text wherever text goes. */
    static List<View> views(String text) {
        ResultTable results = ResultTable.of(
                text,
                text,
                text,
                List.of(Axis.heads(2), new Axis("x", List.of(text, "b"))),
                List.of(text),
                new double[] {1, 2, 3, -4});
        DataTable table = DataTable.of(
                        text,
                        TableColumn.text(text, text),
                        TableColumn.number(text, "n"),
                        TableColumn.interval(text, "i"))
                .rowAt(
                        text,
                        TableCell.of(text, Tone.BAD),
                        TableCell.of(0.1 + 0.2),
                        TableCell.of(new Interval(-1, 1e-7)))
                .row(TableCell.of(text), TableCell.of(Double.NaN), TableCell.of((Interval) null));
        return List.of(
                new Badge(Tone.GOOD, text, text),
                Section.of(text, text, Prose.of(text), new Bullets(List.of(text))),
                Section.of(text, text, table, DataTable.of(results)),
                new Folded(text, new Listing(text)),
                Facts.of(Map.of(text, text)),
                Facts.ofCode(Map.of(text, text)),
                new KeyFigures(List.of(new KeyFigure(text, text, text, text))),
                new EvidenceLadder(List.of(new Rung(text, Tone.UNSURE, text, text, text, text))),
                new Figure(text, HeatMap.of(results), text, table),
                new Figure(
                        text,
                        IntervalPlot.of(
                                text,
                                List.of(new IntervalRow(text, 1, new Interval(0.5, 1.5), Tone.GOOD, text)),
                                new Interval(0, 1),
                                1),
                        text,
                        null),
                new Figure(
                        text,
                        PromptPlot.of(
                                text, text, List.of(text, text), List.of(text, "b"), new double[] {1, 2}, new double[] {
                                    3, 4
                                }),
                        text,
                        null),
                new Figure(text, NullPlot.of(text, new double[] {1, 2, 2}, 3, text), text, null),
                new Figure(
                        text,
                        StepPlot.of(
                                text,
                                List.of(text, text),
                                List.of(new StepLine(text, new double[] {1, 2}), new StepLine(text, new double[] {0, 1
                                })),
                                1,
                                text,
                                0.5),
                        text,
                        null));
    }

    @Test
    void elementsAreBalancedAndNothingRunsOrIsAskedFor() {
        String html =
                Page.of("A page", views("plain")).withSubtitle("of all views").html();
        requireBalanced(html);
        assertThat(html.replace("http://www.w3.org/2000/svg", "")).doesNotContain("http:", "https:");
        assertThat(html)
                .startsWith("<!doctype html>\n<html lang=\"en\">")
                .contains("<title>A page</title>", "<p>of all views</p>", "default-src 'none'")
                .doesNotContainIgnoringCase("<script")
                .doesNotContain("@import", "url(")
                .endsWith("</html>\n");
    }

    @Test
    void whateverIsWrittenIsText() {
        String html = Page.of(HOSTILE, views(HOSTILE)).withSubtitle(HOSTILE).html();
        requireBalanced(html);
        assertThat(html)
                .doesNotContainIgnoringCase("<script")
                .doesNotContain("<img", "\u0000")
                .contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;");
        // As many elements as with harmless text: none came of the text.
        assertThat(elements(html))
                .isEqualTo(elements(Page.of("p", views("plain words here"))
                        .withSubtitle("p")
                        .html()));
    }

    @Test
    void equalViewsGiveEqualText() {
        assertThat(Page.of("p", views("x")).html())
                .isEqualTo(Page.of("p", views("x")).html());
    }

    @Test
    void idsAreUniqueAndTheListOfSectionsLeadsToThem() {
        View same = Section.of("Same", "", Section.of("Same", ""));
        String html = Page.of("p", same, same, Section.of("§", ""), Section.of("Other one", ""))
                .html();
        List<String> ids = found(html, " id=\"([^\"]+)\"");
        assertThat(ids).doesNotHaveDuplicates();
        assertThat(found(html, "<li><a href=\"#([^\"]+)\"")).hasSize(4).allMatch(ids::contains);
        assertThat(html).contains("<h3 ");
    }

    @Test
    void savedTablesReadBackTheSameDoubles() {
        DataTable table = DataTable.of(
                        "My table",
                        TableColumn.text("a", "a"),
                        TableColumn.number("b", "b"),
                        TableColumn.interval("c", "c"))
                .row(TableCell.of("x, \"y\"\nz"), TableCell.of(0.1 + 0.2), TableCell.of(new Interval(-1, 1e-7)))
                .row(TableCell.of(""), TableCell.of(Double.NaN), TableCell.of((Interval) null));
        assertThat(table.csv()).isEqualTo("""
            a,b,c_low,c_high
            "x, ""y""
            z",0.30000000000000004,-1.0,1.0E-7
            ,,,
            """);
        String html = Page.of("p", table).html();
        String saved = found(html, "download=\"my-table.csv\" href=\"data:text/csv;charset=utf-8;base64,([^\"]*)\"")
                .getFirst();
        assertThat(new String(Base64.getDecoder().decode(saved), StandardCharsets.UTF_8))
                .isEqualTo(table.csv());
    }

    @Test
    void numbersOfAColumnAreRoundedAlike() {
        DataTable table = DataTable.of("t", TableColumn.number("b", "b"), TableColumn.pValue("p", "p"))
                .row(TableCell.of(10.6304), TableCell.of(0.0006))
                .row(TableCell.of(0.0123), TableCell.of(1e-6));
        assertThat(Page.of("p", table).html()).contains(">10.6<", ">0.01<", ">0.0006<", ">1e-06<");
    }

    @Test
    void aRowFitsItsColumns() {
        DataTable table = DataTable.of("t", TableColumn.number("b", "b"));
        assertThatThrownBy(() -> table.row(TableCell.of("x"))).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> table.row()).isInstanceOf(BadShapeException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"script", "img", "iframe", "object", "style", "link", "form", "SCRIPT", "svg"})
    void aViewCannotWriteAnElementThatRuns(String element) {
        assertThatThrownBy(() -> Page.of("p", html -> html.open(element)).html())
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(element);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "javascript:alert(1)",
                "https://example.org",
                "//example.org/a.html",
                "data:text/html,x",
                "../secret.html",
                "/etc/passwd",
                "#a\" onclick=\"x"
            })
    void aLinkStaysInTheFile(String address) {
        assertThatThrownBy(() -> Page.of("p", html -> html.element("a", "x", "href", address))
                        .html())
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void attributesAndStylesAreHarmless() {
        assertThatThrownBy(() -> Page.of("p", html -> html.element("p", "x", "onclick", "y"))
                        .html())
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("onclick");
        assertThatThrownBy(() -> Page.of("p", html -> html.element("p", "x", "style", "background:url(a.png)"))
                        .html())
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> Page.of("p", html -> html.open("p", "class")).html())
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void aViewClosesWhatItOpens() {
        assertThatThrownBy(() -> Page.of("p", html -> html.open("p")).html())
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("open");
    }

    @Test
    void everyFigureHasAnAlternativeText() {
        String html = Page.of("p", views("words")).html();
        assertThat(found(html, "<div class=\"plot\" role=\"img\" tabindex=\"0\" aria-label=\"(words)\""))
                .hasSize(found(html, "(<svg )").size())
                .hasSize(5);
    }

    static List<String> found(String html, String pattern) {
        return Pattern.compile(pattern)
                .matcher(html)
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private static List<String> elements(String html) {
        return TAG.matcher(html.substring(html.indexOf("</style>")))
                .results()
                .map(match -> match.group(1) + match.group(2))
                // A long text takes two lines of a plot.
                .filter(name -> !name.endsWith("text"))
                .toList();
    }

    static void requireBalanced(String html) {
        Deque<String> open = new ArrayDeque<>();
        Matcher tags = TAG.matcher(html.replaceAll("(?s)<style>.*?</style>", ""));
        while (tags.find()) {
            String name = tags.group(2);
            if (!tags.group(1).isEmpty()) {
                assertThat(open.pop()).isEqualTo(name);
            } else if (tags.group(4).isEmpty() && !VOID.contains(name)) {
                open.push(name);
            }
        }
        assertThat(open).isEmpty();
    }
}
