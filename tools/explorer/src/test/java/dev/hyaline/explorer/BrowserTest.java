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
        assertThat(browser.evaluate(Browser.PALE_TEXTS)).isEmpty();
        assertThat(browser.evaluate(Browser.UNREACHABLE)).isEmpty();
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
