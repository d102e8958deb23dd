package dev.hyaline.explorer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.AttributionView;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.explorer.view.EffectMapView;
import dev.hyaline.instrument.capture.SumCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps of effects and attributions in Debian's Chromium. */
@ResourceLock(Browser.LOCK)
final class MapViewsTest {
    private static final String HOSTILE = PageTest.HOSTILE.replace("\u0000", "");
    private static final List<Axis> AXES =
            List.of(Axis.layers(2), new Axis("position", List.of("0", HOSTILE, "2 end")), Axis.heads(4));

    @TempDir
    private static Path folder;

    private static Browser browser;
    private static Path file;

    private static double[] values(int count, long seed) {
        return new Random(seed).doubles(count, -3, 5).toArray();
    }

    private static ResultTable effects() {
        return ResultTable.of(HOSTILE, "logit difference", "logits", AXES, List.of(HOSTILE, "b", "c"), values(72, 1))
                .ofSamples("pairs")
                .neutralAt(0.5);
    }

    private static ResultTable normalised() {
        return effects()
                .map("logit difference, clean = 1, corrupted = 0", "", (pair, value) -> value / 7)
                .neutralAt(0);
    }

    /** Effects that are shown as differences from a value of each sample's own. */
    private static ResultTable changes() {
        return effects().changedFrom("its run without the edit", new double[] {0.25, 0.5, 0.75});
    }

    private static DirectLogitAttribution.Result byLayer() {
        ResultTable table = ResultTable.of(
                        "by layer",
                        "contribution to the logit difference",
                        "logits",
                        List.of(new Axis("component", List.of("embed", "0_attn_out", HOSTILE, "bias"))),
                        List.of("a", "b"),
                        values(8, 2))
                .neutralAt(0);
        return new DirectLogitAttribution.Result(table, "the logit difference", new SumCheck(2, 1.25e-7, 4));
    }

    private static DirectLogitAttribution.Result byHead() {
        ResultTable table = ResultTable.of(
                        "by head",
                        "contribution to the logit difference",
                        "logits",
                        List.of(Axis.layers(2), Axis.heads(3)),
                        List.of("a", "b"),
                        values(12, 3))
                .neutralAt(0);
        return new DirectLogitAttribution.Result(table, "what all heads add", new SumCheck(2, 0, 4));
    }

    private static DirectLogitAttribution.Result atTwoPositions() {
        ResultTable table = ResultTable.of(
                        "by head",
                        "contribution to the logit difference",
                        "logits",
                        List.of(
                                new Axis(DirectLogitAttribution.READ_AT, List.of("S2", "end")),
                                Axis.layers(2),
                                Axis.heads(3)),
                        List.of("a", "b"),
                        values(24, 5))
                .neutralAt(0);
        return new DirectLogitAttribution.Result(table, "what all heads add", new SumCheck(4, 0, 4));
    }

    private static ResultTable large() {
        return ResultTable.of(
                "neurons",
                "effect",
                "",
                List.of(Axis.layers(3), Axis.indices("neuron", 2000)),
                List.of("a"),
                values(6000, 4));
    }

    private static List<View> views() {
        CellEdit edit = new CellEdit(
                "hyaline edit --prompt x --patch z --layers {layer} --positions {position} --heads {head}",
                HOSTILE,
                "source",
                "[{\"do\":\"patch\",\"layers\":\"{layer}\"}]",
                List.of(List.of("0", "1"), List.of("0", "7", "2"), List.of("0", "1", "2", "3")));
        return List.of(
                EffectMapView.of(ViewHeading.of(HOSTILE, HOSTILE).withCommand("hyaline patch"), effects())
                        .withNormalised(normalised(), false)
                        .withEdit(edit),
                AttributionView.of(ViewHeading.of("Attribution", "m"))
                        .with("layer", byLayer())
                        .with("head", byHead())
                        .withStream(byLayer())
                        .with("apart", atTwoPositions()),
                EffectMapView.of(ViewHeading.of("Neurons", "m"), large()),
                EffectMapView.of(ViewHeading.of("Changes", "m"), changes()));
    }

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        file = Files.writeString(
                folder.resolve("maps.html"), Page.of(HOSTILE, views()).html());
    }

    private static void open(String fragment) throws InterruptedException {
        browser.show(1300, 900, "light", "screen");
        browser.open(file.toUri() + fragment);
        browser.await("document.querySelector('section:not([hidden]) .choices')");
    }

    private static String text(String selector) throws InterruptedException {
        return browser.evaluate("document.querySelector(" + Browser.quoted(selector) + ").textContent");
    }

    /** The values of the cells of a view in the order of the table's cells. */
    private static double[] shown(String view, int cells) throws InterruptedException {
        String found = browser.evaluate("Array.from({length: " + cells + "}, (_, i) => document.querySelector('#" + view
                + " [data-cell=\"' + i + '\"]').dataset.value).join(' ')");
        return Arrays.stream(found.split(" ", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    @Test
    void everyCellHasTheTablesNumber() throws InterruptedException {
        open("");
        assertThat(shown("effects", 24)).containsExactly(effects().means());
        assertThat(browser.evaluate("document.querySelectorAll('#effects [role=grid]').length"))
                .isEqualTo("2");
        open("#effects/scale=normalised&sample=2");
        assertThat(shown("effects", 24))
                .containsExactly(IntStream.range(0, 24)
                        .mapToDouble(cell -> normalised().values(cell)[2])
                        .toArray());
    }

    @Test
    void aCellTellsItsValueErrorSamplesAndRun() throws InterruptedException {
        open("#effects/cell=5");
        ResultTable table = effects();
        assertThat(text("#effects .detail h3")).isEqualTo("layer 0, position " + HOSTILE + ", head 1");
        assertThat(text("#effects .detail")).contains("exactly " + table.mean(5), "over 3 pairs");
        assertThat(browser.evaluate(
                        "[...document.querySelectorAll('#effects .detail td')].map(d => d.dataset.value).join(' ')"))
                .isEqualTo(
                        Arrays.stream(table.values(5)).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
        assertThat(text("#effects .detail pre"))
                .isEqualTo("hyaline edit --prompt x --patch z --layers 0 --positions 7 --heads 1");
        // In a file there is nothing that could run it.
        assertThat(browser.evaluate("document.querySelector('.open-run')")).isEqualTo("null");
    }

    @Test
    void aTableWithABaseShowsDifferencesFromIt() throws InterruptedException {
        open("#effects-3/cell=5");
        ResultTable table = changes();
        assertThat(shown("effects-3", 24))
                .containsExactly(
                        IntStream.range(0, 24).mapToDouble(table::shown).toArray());
        assertThat(text("#effects-3 .legend")).contains("differences from 0.500, the value without the edit");
        assertThat(text("#effects-3 .detail")).contains("exactly " + table.mean(5), "from 0.5");
        assertThat(browser.evaluate("document.querySelector('#effects-3 .changed').dataset.value"))
                .isEqualTo(String.valueOf(table.shown(5)));
        open("#effects-3/sample=2");
        assertThat(shown("effects-3", 24))
                .containsExactly(IntStream.range(0, 24)
                        .mapToDouble(cell -> table.values(cell)[2] - 0.75)
                        .toArray());
        assertThat(text("#effects-3 .legend")).contains("differences from 0.75, the value without the edit");
    }

    @Test
    void hoverClickAndKeysReachCells() throws InterruptedException {
        open("");
        browser.hover("#effects [data-cell='13']");
        assertThat(text(".tip")).startsWith("layer 1, position 0, head 1").contains("mean of 3 pairs", "\u00b1");
        browser.click("#effects [data-cell='13']");
        assertThat(text("#effects .detail h3")).isEqualTo("layer 1, position 0, head 1");
        assertThat(browser.evaluate("location.hash")).isEqualTo("#effects/cell=13");
        browser.evaluate("document.querySelector('#effects [data-cell=\"13\"]').focus()");
        // Positions go across.
        browser.press("ArrowDown");
        browser.press("Enter");
        assertThat(text("#effects .detail h3")).isEqualTo("layer 1, position 0, head 2");
        browser.press("ArrowRight");
        browser.press("ArrowRight");
        assertThat(text(".tip")).startsWith("layer 1, position 2 end, head 2");
        assertThat(text("[role=status]")).startsWith("layer 1, position 0, head 2: ");
    }

    @Test
    void axesCanBeExchanged() throws InterruptedException {
        open("#effects/rows=layer&columns=head");
        assertThat(browser.evaluate("document.querySelectorAll('#effects [role=grid]').length"))
                .isEqualTo("3");
        assertThat(shown("effects", 24)).containsExactly(effects().means());
        browser.evaluate("(() => { const s = [...document.querySelectorAll('#effects label')]"
                + ".find(l => l.textContent.startsWith('Down')).querySelector('select');"
                + " s.value = 'head'; s.dispatchEvent(new Event('change')); })()");
        assertThat(browser.evaluate("location.hash")).isEqualTo("#effects/rows=head&columns=layer");
        assertThat(shown("effects", 24)).containsExactly(effects().means());
    }

    @Test
    void coloursEndWhereTheNoteSays() throws InterruptedException {
        open("#effects/ends=0.95");
        assertThat(text("#effects .view-body"))
                .contains("Colours end at the 95 % quantile of the distances; 1 cell lies beyond.");
        double[] means = effects().means();
        double[] distances =
                Arrays.stream(means).map(mean -> Math.abs(mean - 0.5)).sorted().toArray();
        String legend = text("#effects .legend");
        double high = 0.5 + distances[(int) Math.ceil(0.95 * distances.length) - 1];
        assertThat(legend).endsWith(String.format("%.2fno colour at 0.50", high));
    }

    @Test
    void savedRowsAreTheTable() throws InterruptedException {
        open("#effects");
        browser.evaluate(
                "(window.saved = new Promise(done => URL.createObjectURL = blob => done(blob.text()) || '#'), 1)");
        browser.click("#effects button.csv");
        ResultTable table = effects();
        String[] lines = browser.evaluate("window.saved").split("\n", -1);
        assertThat(lines).hasSize(26);
        assertThat(lines[2])
                .startsWith("0,0,1," + table.mean(1) + "," + table.standardError(1) + ",")
                .endsWith("," + table.values(1)[2]);
    }

    @Test
    void aTableOfManyCellsIsPainted() throws InterruptedException {
        open("#effects-2");
        browser.await("document.querySelector('#effects-2 canvas')");
        double[] means = large().means();
        browser.evaluate("document.querySelector('#effects-2 .cursor').focus()");
        browser.press("PageDown");
        browser.press("End");
        assertThat(browser.evaluate("document.activeElement.dataset.value")).isEqualTo(String.valueOf(means[5999]));
        browser.press("ArrowLeft");
        browser.press("Enter");
        assertThat(text("#effects-2 .detail h3")).isEqualTo("layer 2, neuron 1998");
        assertThat(text(".tip")).startsWith("layer 2, neuron 1998");
        browser.evaluate("document.querySelector('#effects-2 .cursor').blur()");
        browser.hover("#effects-2 canvas");
        assertThat(browser.evaluate("document.querySelector('#effects-2 .cursor').dataset.value"))
                .isEqualTo(String.valueOf(means[
                        Integer.parseInt(
                                browser.evaluate("document.querySelector('#effects-2 .cursor').dataset.cell"))]));
    }

    @Test
    void partsAddUpOnThePage() throws InterruptedException {
        open("#attribution");
        double[] means = byLayer().table().means();
        assertThat(browser.evaluate("document.querySelector('.sum b').dataset.value"))
                .isEqualTo(String.valueOf(Arrays.stream(means).sum()));
        assertThat(browser.evaluate("document.querySelector('.sum .off').dataset.value"))
                .isEqualTo("1.25e-7");
        assertThat(browser.evaluate("[...document.querySelectorAll('#attribution .bars li')].slice(0, 4).map(l =>"
                        + " l.dataset.value).join(' ')"))
                .isEqualTo(Arrays.stream(means).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
        assertThat(text("#attribution .bars .total")).startsWith("sum");
        browser.evaluate("document.querySelector('#attribution .bars li').focus()");
        browser.press("ArrowDown");
        assertThat(text(".tip")).startsWith("0_attn_out");
        browser.press("Enter");
        assertThat(text("#attribution .detail")).contains("exactly " + means[1]);
    }

    @Test
    void anAttributionByHeadIsAMapToo() throws InterruptedException {
        open("#attribution/by=head&sample=1");
        ResultTable table = byHead().table();
        assertThat(shown("attribution", 6))
                .containsExactly(IntStream.range(0, 6)
                        .mapToDouble(cell -> table.values(cell)[1])
                        .toArray());
        double most = Arrays.stream(table.means()).map(Math::abs).max().orElseThrow();
        open("#attribution/by=head");
        assertThat(Math.abs(Double.parseDouble(browser.evaluate(
                        "document.querySelectorAll('#attribution .bars')[1].querySelector('li').dataset.value"))))
                .isEqualTo(most);
        double[] apart = atTwoPositions().table().means();
        for (String at : List.of("S2", "end")) {
            open("#attribution/by=apart&at=" + at);
            double[] there = Arrays.copyOfRange(apart, at.equals("S2") ? 0 : 6, at.equals("S2") ? 6 : 12);
            assertThat(shown("attribution", 6)).containsExactly(there);
            assertThat(Double.parseDouble(
                            browser.evaluate("document.querySelector('#attribution .sum b').dataset.value")))
                    .isCloseTo(Arrays.stream(there).sum(), within(1e-12));
        }
        open("#attribution/by=stream");
        double[] levels = byLayer().table().means();
        assertThat(browser.evaluate("document.querySelector('.sum b').dataset.value"))
                .isEqualTo(String.valueOf(levels[2] + levels[3]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void aViewIsReadableAndHarmless(String scheme) throws IOException, InterruptedException {
        for (String view : List.of("effects", "attribution/by=head", "attribution/by=layer", "effects-2")) {
            browser.show(1300, 900, scheme, "screen");
            browser.open(file.toUri() + "#" + view);
            browser.await("document.querySelector('section:not([hidden]) .choices')");
            BrowserTest.keep("maps-" + view.replaceAll("\\W", "-") + "-" + scheme + ".png", browser.screenshot());
            assertThat(browser.complaints()).isEmpty();
            assertThat(browser.requests()).containsExactly(file.toUri().toString());
            assertThat(browser.evaluate("document.querySelectorAll('img, main script').length"))
                    .isEqualTo("0");
            assertThat(browser.evaluate(Browser.PALE_TEXTS)).isEmpty();
            assertThat(browser.evaluate("document.documentElement.scrollWidth")).isEqualTo("1300");
        }
        browser.show(400, 900, scheme, "screen");
        assertThat(browser.evaluate("document.documentElement.scrollWidth")).isEqualTo("400");
    }

    @Test
    void equalResultsGiveEqualFilesThatReadWithoutAScript() {
        String html = Page.of("p", views()).html();
        assertThat(html).isEqualTo(Page.of("p", views()).html());
        PageTest.requireBalanced(html.replaceAll("(?s)<script.*?</script>", ""));
        assertThat(html).contains("The parts add up to", "<svg ").doesNotContain("<img");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        ViewHeading heading = ViewHeading.of("t", "m");
        EffectMapView view = EffectMapView.of(heading, effects());
        assertThatThrownBy(() -> view.withNormalised(large(), false)).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> view.withEdit(new CellEdit("c", "p", "", "", List.of(List.of("0"))))
                        .data())
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining("[2, 3, 4]");
        assertThatThrownBy(() -> AttributionView.of(heading).data()).isInstanceOf(BadInputException.class);
    }
}
