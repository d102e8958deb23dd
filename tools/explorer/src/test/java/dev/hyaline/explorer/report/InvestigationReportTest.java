package dev.hyaline.explorer.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** {@code ioi.report.json} holds numbers of the golden study of fable's indirect objects. */
final class InvestigationReportTest {
    private static final String MINIMAL = "{\"format\":\"hyaline-report/1\",\"verdict\":{\"word\":\"not present\"}}";

    /** A number with what is printed below it: {@code claims/0} and {@code estimate}. */
    private static final Pattern ADDRESS = Pattern.compile("<code class=\"id\">([^<]*)</code>");

    static byte[] sample() throws IOException {
        try (InputStream sample = InvestigationReportTest.class.getResourceAsStream("ioi.report.json")) {
            return Objects.requireNonNull(sample).readAllBytes();
        }
    }

    private static String html(String json) {
        return InvestigationReport.of("report.json", json.getBytes(StandardCharsets.UTF_8))
                .html();
    }

    @Test
    void allSectionsAreThereWithTheNumbersOfTheTwin() throws IOException {
        String html = InvestigationReport.of("report.json", sample()).html();
        assertThat(Pattern.compile("<h[23] id=[^>]*>([^<]*)</h")
                        .matcher(html)
                        .results()
                        .map(match -> match.group(1)))
                .containsExactly(
                        "Ladder of evidence",
                        "Hypothesis",
                        "Sanity checks",
                        "Claims",
                        "Levels",
                        "Prompts",
                        "Heads",
                        "Circuit",
                        "Controls",
                        "Interactions",
                        "Alternatives",
                        "Robustness",
                        "Power",
                        "Deviations",
                        "What was not tested",
                        "Provenance",
                        "Glossary");
        assertThat(html)
                .contains("How fable finds the indirect object", "Inconclusive", "10.6 (8.9 to 12.2)", "heterogeneous")
                .doesNotContain("NaN", "null")
                .doesNotContainIgnoringCase("<script");
    }

    @Test
    void everyPrintedAddressIsAPlaceInTheTwin() throws IOException {
        Json twin = Json.readObject(InputErrors.INSTANCE, "report.json", sample());
        String html = InvestigationReport.of("report.json", sample()).html();
        List<String> rows = ADDRESS.matcher(html)
                .results()
                .map(match -> match.group(1))
                .filter(address -> address.contains("/"))
                .toList();
        assertThat(rows)
                .hasSizeGreaterThan(100)
                .allSatisfy(address -> assertThat(value(twin, address)).isNotNull());
    }

    private static Json value(Json json, String address) {
        Json value = json;
        for (String key : address.split("/", -1)) {
            value = value.isArray()
                    ? value.elements().get(Integer.parseInt(key))
                    : value.require(key.replace("~1", "/").replace("~0", "~"));
        }
        return value;
    }

    @Test
    void theSameTwinGivesTheSamePage() throws IOException {
        assertThat(InvestigationReport.of("a", sample()).html())
                .isEqualTo(InvestigationReport.of("b", sample()).html());
    }

    @Test
    void whatIsNotThereIsSaidNotToHaveBeenDone() {
        assertThat(html(MINIMAL))
                .contains(
                        "Not present",
                        "Sanity checks not run",
                        "The claims were not tested in this investigation.",
                        "No circuit was searched for in this investigation.",
                        "No alternative was tested in this investigation.")
                .doesNotContain("NaN", "null");
    }

    @Test
    void aFailedSanityCheckColoursTheWholeHead() throws IOException {
        String failed = new String(sample(), StandardCharsets.UTF_8)
                .replace("\"dead hook\",\"status\":\"passed\"", "\"dead hook\",\"status\":\"failed\"");
        assertThat(html(failed)).contains("<header class=\"bad\">", "Sanity checks failed", "dead hook. Do not rely");
        assertThat(html(new String(sample(), StandardCharsets.UTF_8))).contains("<header class=\"unsure\">");
    }

    @Test
    void hostileStringsStayText() throws IOException {
        String hostile = "</script><img src=x onerror=alert(1)>";
        Matcher strings = Pattern.compile(":\"([^\"]*)\"").matcher(new String(sample(), StandardCharsets.UTF_8));
        String json = strings.replaceAll(match -> match.group(1).equals(InvestigationReport.FORMAT)
                ? match.group()
                : Matcher.quoteReplacement(":\"" + hostile + "\""));
        String html = html(json);
        assertThat(html)
                .contains("&lt;/script&gt;&lt;img")
                .doesNotContain("<img")
                .doesNotContain("</script");
        assertThat(html.toLowerCase(Locale.ROOT)).doesNotContain("<script");
    }

    @Test
    void badTwinsAreRefusedWithTheKey() {
        assertThatThrownBy(() -> html("{}"))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("format");
        assertThatThrownBy(() -> html("{\"format\":\"hyaline-report/2\"}"))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("hyaline-report/1");
        assertThatThrownBy(() -> html("{\"format\":\"hyaline-report/1\"}"))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("verdict");
        assertThatThrownBy(() -> html(MINIMAL.replace("\"verdict\"", "\"claims\":[{\"estimate\":\"x\"}],\"verdict\"")))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("claims[0].estimate");
        assertThatThrownBy(() -> html(MINIMAL.replace("\"verdict\"", "\"claims\":[{\"interval\":[1]}],\"verdict\"")))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("two numbers");
    }
}
