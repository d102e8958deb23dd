package dev.hyaline.explorer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.explorer.report.InvestigationReport;
import dev.hyaline.explorer.report.ReportSample;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The pages in Debian's Chromium. Where there is none these tests are skipped. With {@code -Dscreenshots=FOLDER} each
 * leaves a picture there.
 */
@ResourceLock(Browser.LOCK)
final class BrowserTest {
    /** Elements whose text has less than the contrast that WCAG AA asks for, with it. */
    static final String PALE_TEXTS = """
        (() => {
          const rgb = c => c.match(/[\\d.]+/g).map(Number);
          const channel = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
          const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
          const behind = e => {
            for (; e; e = e.parentElement) {
              const c = rgb(getComputedStyle(e).backgroundColor);
              if (c.length < 4 || c[3] > 0) return c;
            }
            return [255, 255, 255];
          };
          const pale = [];
          for (const e of document.body.querySelectorAll('*')) {
            const svg = e.namespaceURI.endsWith('svg');
            if (svg && e.localName !== 'text' || e.closest('.skip')) continue;
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const style = getComputedStyle(e);
            const before = e.previousElementSibling;
            // The figure of a heat map's cell follows the cell.
            const cell = svg && before?.localName === 'rect' && before.querySelector('title')
              && before.width.baseVal.value > 12;
            const ground = cell ? rgb(getComputedStyle(before).fill) : behind(e);
            const a = light(rgb(svg ? style.fill : style.color)), b = light(ground);
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) pale.push(e.textContent.trim().slice(0, 30) + ' ' + contrast.toFixed(2));
          }
          return pale.join('; ');
        })()\
        """;

    /** What is cut off or scrolls sideways and cannot be reached by the keyboard. */
    private static final String UNREACHABLE = """
        [...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1
          && getComputedStyle(e).overflowX === 'auto' && e.tabIndex < 0).map(e => e.className || e.localName)\
        """;

    @TempDir
    private static Path folder;

    private static Browser browser;
    private static Path report;
    private static Path views;

    @BeforeAll
    static void open() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        report = Files.writeString(
                folder.resolve("report.html"),
                InvestigationReport.of(ReportSample.files()).html());
        views = Files.writeString(
                folder.resolve("views.html"),
                Page.of(PageTest.HOSTILE, PageTest.views(PageTest.HOSTILE)).html());
    }

    static void keep(String name, byte[] content) throws IOException {
        String kept = System.getProperty("screenshots");
        if (kept != null) {
            Files.write(Path.of(kept).resolve(name), content);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1100, light, screen",
        "1100, dark, screen",
        "400, light, screen",
        "400, dark, screen",
        "900, light, print",
        "900, dark, print"
    })
    void aReportIsReadable(int width, String scheme, String medium) throws IOException, InterruptedException {
        browser.show(width, 900, scheme, medium);
        browser.open(report);
        keep("report-" + width + "-" + scheme + "-" + medium + ".png", browser.screenshot());
        assertThat(browser.complaints()).isEmpty();
        assertThat(browser.requests()).containsExactly(report.toUri().toString());
        assertThat(browser.evaluate("performance.getEntriesByType('resource').length"))
                .isEqualTo("0");
        assertThat(browser.evaluate("document.documentElement.scrollWidth")).isEqualTo(String.valueOf(width));
        assertThat(browser.evaluate(PALE_TEXTS)).isEmpty();
        assertThat(browser.evaluate(UNREACHABLE)).isEmpty();
        boolean dark = scheme.equals("dark") && medium.equals("screen");
        assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
                .isEqualTo(dark ? "rgb(21, 24, 28)" : "rgb(255, 255, 255)");
    }

    @Test
    void hostileTextRunsNowhere() throws IOException, InterruptedException {
        browser.show(1100, 900, "light", "screen");
        browser.open(views);
        keep("views.png", browser.screenshot());
        assertThat(browser.complaints()).isEmpty();
        assertThat(browser.requests()).containsExactly(views.toUri().toString());
        assertThat(browser.evaluate("document.querySelectorAll('script, img').length"))
                .isEqualTo("0");
        assertThat(browser.evaluate("document.querySelector('h1').textContent"))
                .isEqualTo(PageTest.HOSTILE.replace('\u0000', '\uFFFD'));
        assertThat(browser.evaluate("document.title")).isEqualTo(PageTest.HOSTILE.replace('\u0000', '\uFFFD'));
    }

    @Test
    void thePolicyForbidsWhatAPageDoesNotDo() throws IOException, InterruptedException {
        String html = Files.readString(report);
        Path changed = Files.writeString(
                folder.resolve("changed.html"),
                html.replace(
                        "</main>", "<img src=\"https://example.org/a.png\"><script>window.ran = 1</script></main>"));
        browser.open(changed);
        assertThat(browser.evaluate("window.ran")).isEqualTo("undefined");
        assertThat(browser.complaints()).hasSizeGreaterThanOrEqualTo(2);
        assertThat(browser.complaints().toString()).contains("Content Security Policy");
    }

    @Test
    void everyNumberOfATableIsSavedAsItWas() throws InterruptedException {
        browser.show(1100, 900, "light", "screen");
        browser.open(report);
        String saved = browser.evaluate("""
            atob([...document.querySelectorAll('a[download]')].find(a => a.download.startsWith('claims-on'))
              .href.split(',')[1])\
            """);
        assertThat(saved.lines().toList())
                .hasSize(7)
                .first()
                .isEqualTo("name,verdict,unit,bound,estimate,interval_low,interval_high,p,adjusted_p,alpha");
        assertThat(saved)
                .contains(",confirmed,logits,6.552311208409567,12.101556978654116,9.690310850591354,14.2212381033508,");
    }

    @Test
    void aPrintedReportIsADocument() throws IOException, InterruptedException {
        browser.show(900, 900, "dark", "print");
        browser.open(report);
        byte[] pdf = browser.print();
        keep("report.pdf", pdf);
        assertThat(new String(pdf, 0, 5, StandardCharsets.US_ASCII)).isEqualTo("%PDF-");
        assertThat(pdf.length).isGreaterThan(20_000);
    }

    @Test
    void theSectionsOfTheListAreThere() throws InterruptedException {
        browser.show(400, 900, "light", "screen");
        browser.open(report);
        List<String> missing = List.of(browser.evaluate(
                        "[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.hash)).join()")
                .split(",", -1));
        assertThat(missing).containsExactly("");
        assertThat(browser.evaluate("document.querySelectorAll('nav a').length"))
                .isEqualTo("17");
    }
}
