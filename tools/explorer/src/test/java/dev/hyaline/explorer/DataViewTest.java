package dev.hyaline.explorer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The frame of a page with scripts, its data and its policy, in Debian's Chromium. */
@ResourceLock(Browser.LOCK)
final class DataViewTest {
    private static final float[] FLOATS = {0.1f, -Float.MIN_VALUE, 16777217f};
    private static final double[] DOUBLES = {0.1 + 0.2, -1e-300, 2};

    @TempDir
    private static Path folder;

    private static Browser browser;
    private static Path file;

    /** Two views of some numbers, with a text wherever text goes. */
    private record SampleView(String text) implements DataView {
        @Override
        public ViewData data() {
            return new ViewData(
                    "sample",
                    ViewHeading.of(text, text)
                            .withPrompt(
                                    text,
                                    List.of(
                                            ViewToken.of(1, text),
                                            ViewToken.of(2, new byte[] {(byte) 0xE2, (byte) 0x80}),
                                            ViewToken.of(3)))
                            .withBasis(text)
                            .withSeed(Long.MAX_VALUE)
                            .withCommand("hyaline " + text)
                            .withJava("// " + text),
                    DataObject.empty()
                            .with("floats", FLOATS, 3)
                            .with("doubles", DOUBLES, 1, 3)
                            .with("wholes", new int[] {1, Integer.MIN_VALUE, -1}, 3)
                            .with("shorts", new short[] {1, -1, 2}, 3)
                            .with("bytes", new byte[] {1, -1, 2}, 3)
                            .withTexts("words", List.of(text, "b"))
                            .with(
                                    "nested",
                                    DataObject.empty()
                                            .withObjects(
                                                    "inner",
                                                    List.of(DataObject.empty()
                                                            .with(
                                                                    "numbers",
                                                                    new float[] {Float.NaN, 1.5f, -0.5f},
                                                                    3)))));
        }

        @Override
        public void write(HtmlWriter html) {
            html.element("p", text);
        }
    }

    private static String html(String text) {
        return Page.of(text, new SampleView(text), new SampleView(text)).html();
    }

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        file = Files.writeString(folder.resolve("sample.html"), html(PageTest.HOSTILE));
    }

    @BeforeEach
    void open() throws InterruptedException {
        browser.show(1100, 900, "light", "screen");
        open("");
    }

    private static void open(String fragment) throws InterruptedException {
        browser.open(file.toUri() + fragment);
        browser.await("document.querySelector('section:not([hidden]) table')");
    }

    private static String value(String name, int column) throws InterruptedException {
        return browser.evaluate("document.querySelector('#sample tr:has(th[scope=row]):nth-child("
                + (List.of("floats", "doubles", "wholes", "shorts", "bytes", "inner")
                                .indexOf(name)
                        + 1)
                + ") td[data-column=\"" + column + "\"]').dataset.value");
    }

    @Test
    void numbersArriveBitForBit() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            assertThat((float) Double.parseDouble(value("floats", i))).isEqualTo(FLOATS[i]);
            assertThat(Double.parseDouble(value("doubles", i))).isEqualTo(DOUBLES[i]);
        }
        assertThat(List.of(value("wholes", 1), value("shorts", 1), value("bytes", 1), value("inner", 0)))
                .containsExactly("-2147483648", "65535", "255", "NaN");
    }

    @Test
    void hostileTextIsText() throws InterruptedException {
        assertThat(browser.complaints()).isEmpty();
        assertThat(browser.requests()).containsExactly(file.toUri().toString());
        assertThat(browser.evaluate("document.querySelectorAll('img').length")).isEqualTo("0");
        assertThat(browser.evaluate("document.getElementById('words').textContent"))
                .isEqualTo(PageTest.HOSTILE + "|b");
        assertThat(browser.evaluate("document.getElementById('tokens').textContent"))
                .endsWith("|<0xE2><0x80>|#3")
                .startsWith("</script><img\u00b7src=x");
        assertThat(browser.evaluate("document.querySelector('.origin').textContent"))
                .contains("</script><img src=x", "3 tokens", "seed 9223372036854775807");
    }

    @Test
    void theKeyboardReachesAll() throws InterruptedException {
        browser.evaluate("document.querySelector('#sample td[tabindex=\"0\"]').focus()");
        browser.press("ArrowDown");
        browser.press("ArrowRight");
        assertThat(browser.evaluate("document.querySelector('.tip').textContent"))
                .isEqualTo("exactly -1e-300");
        browser.press("Enter");
        assertThat(browser.evaluate("document.getElementById('chosen').textContent"))
                .isEqualTo("doubles.1");
        assertThat(browser.evaluate("location.hash")).isEqualTo("#sample/at=doubles.1");
        assertThat(browser.evaluate("document.querySelector('[role=status]').textContent"))
                .isEqualTo("chosen doubles.1");
        browser.pressWithControl("End");
        assertThat(browser.evaluate("document.activeElement.dataset.value")).isEqualTo("-0.5");
        browser.press("Escape");
        assertThat(browser.evaluate("document.querySelector('.tip').hidden")).isEqualTo("true");
        browser.press("?");
        assertThat(browser.evaluate("document.querySelector('.help').hidden")).isEqualTo("false");
        browser.evaluate("document.querySelector('[role=tab]').focus()");
        browser.press("ArrowRight");
        browser.await("!document.getElementById('sample-2').hidden");
        assertThat(browser.evaluate("location.hash + document.activeElement.id"))
                .isEqualTo("#sample-2tab-sample-2");
        browser.evaluate("history.back()");
        browser.await("!document.getElementById('sample').hidden");
    }

    @Test
    void aPointerSeesTheNumberAndChooses() throws InterruptedException {
        browser.hover("#sample td[data-row='0'][data-column='0']");
        assertThat(browser.evaluate("document.querySelector('.tip').textContent"))
                .isEqualTo("exactly 0.10000000149011612");
        browser.click("#sample td[data-row='4'][data-column='1']");
        assertThat(browser.evaluate("document.getElementById('chosen').textContent"))
                .isEqualTo("bytes.1");
    }

    @Test
    void anAddressOpensAView() throws InterruptedException {
        open("#sample-2/at=x%2Cy");
        assertThat(browser.evaluate("document.querySelector('#sample-2 #chosen').textContent"))
                .isEqualTo("x,y");
        assertThat(browser.evaluate("document.querySelector('#sample').hidden")).isEqualTo("true");
    }

    @Test
    void whatCanBeTakenAwayIsTheDatasOrTheChoices() throws InterruptedException {
        browser.click("#sample .toolbar button");
        browser.await("!document.querySelector('#sample .copied').hidden");
        assertThat(browser.evaluate("document.querySelector('#sample .copied pre').textContent"))
                .isEqualTo("hyaline " + PageTest.HOSTILE);
        open("#sample/at=here");
        browser.click("#sample .toolbar button");
        browser.await("!document.querySelector('#sample .copied').hidden");
        assertThat(browser.evaluate("document.querySelector('#sample .copied pre').textContent"))
                .isEqualTo("hyaline " + PageTest.HOSTILE + " --at here");
        browser.evaluate("URL.createObjectURL = blob => { window.saved = blob.text(); return '#'; }");
        browser.click("#sample button.csv");
        assertThat(browser.evaluate("window.saved"))
                .startsWith("name,0,1,2\nfloats,0.10000000149011612,-1.401298464324817e-45,16777216\n")
                .endsWith("inner,,1.5,-0.5\n");
    }

    @Test
    void otherScriptsDoNotRun() throws IOException, InterruptedException {
        Path changed = Files.writeString(
                folder.resolve("changed.html"),
                Files.readString(file)
                        .replace(
                                "</main>",
                                "<script>window.ran = 1</script><p id=\"p\" onclick=\"window.ran = 2\">p</p>"
                                        + "<script type=\"module\" src=\"https://example.org/a.js\"></script></main>"));
        browser.open(changed);
        browser.await("document.querySelector('table')");
        browser.evaluate("document.getElementById('p').click()");
        assertThat(browser.evaluate("window.ran")).isEqualTo("undefined");
        assertThat(browser.complaints().toString()).contains("Content Security Policy");
    }

    @Test
    void equalViewsGiveEqualFiles() {
        assertThat(html("x")).isEqualTo(html("x"));
        assertThat(html("x")).doesNotContain("http:", "https:", "onclick");
    }

    @Test
    void whatIsReadWithoutAScriptIsThere() {
        String html = html("plain words");
        PageTest.requireBalanced(html.replaceAll("(?s)<script.*?</script>", ""));
        assertThat(html).contains("<section id=\"sample\"", "<p>plain words</p>", "<section id=\"sample-2\"");
    }

    @Test
    void theBodyIsAHeaderAndAlignedArrays() {
        byte[] body = new SampleView("x").data().body();
        int header = (body[0] & 0xFF) | ((body[1] & 0xFF) << 8);
        assertThat(new String(body, 4, header, StandardCharsets.UTF_8))
                .startsWith("{\"format\":\"hyaline-view/1\",\"view\":\"sample\",\"title\":\"x\"")
                .contains("\"doubles\":{\"dtype\":\"f64\",\"shape\":[1,3],\"offset\":16}");
        int start = (4 + header + 7) / 8 * 8;
        assertThat(Arrays.copyOfRange(body, start, start + 4))
                .isEqualTo(new byte[] {(byte) 0xCD, (byte) 0xCC, (byte) 0xCC, 0x3D});
        assertThat(html("x")).contains(Base64.getEncoder().encodeToString(body));
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> DataObject.empty().with("a", new float[5], 2, 3))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining("6 values");
        assertThatThrownBy(() -> new ViewData("../secret", ViewHeading.of("", ""), DataObject.empty()))
                .isInstanceOf(BadInputException.class);
    }
}
