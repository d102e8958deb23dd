package dev.hyaline.explorer.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InvestigationReportTest {
    private static final String MINIMAL = "{\"format\":\"hyaline-report/1\",\"verdict\":{\"word\":\"not present\"}}";
    private static final Pattern ADDRESS = Pattern.compile("<code class=\"id\">([^<]*)</code>");

    private static String html(String twin) {
        return InvestigationReport.of(Map.of(InvestigationReport.TWIN, twin.getBytes(StandardCharsets.UTF_8)))
                .html();
    }

    private static String twin() throws IOException {
        return new String(ReportSample.files().get(InvestigationReport.TWIN), StandardCharsets.UTF_8);
    }

    @Test
    void allSectionsAreThereWithTheNumbersOfTheTwin() throws IOException {
        String html = InvestigationReport.of(ReportSample.files()).html();
        assertThat(Pattern.compile("<h2 id=[^>]*>([^<]*)</h")
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
                        "Design and power",
                        "Deviations",
                        "What was not tested",
                        "Provenance",
                        "Glossary");
        assertThat(html)
                .contains(
                        "How fable finds the indirect object",
                        "Inconclusive",
                        "12.1 (9.7 to 14.2) logits",
                        "0562d829b383ccd4ca823dcb3ecc46c45f4e163d00bfeea54cc0a49f25e35c79",
                        "When Wendy and John went to the kitchen, John gave a bell to, clean: 16.576",
                        "No claim was tested by zero ablation.")
                .doesNotContain("NaN", ">null<", "in this investigation")
                .doesNotContainIgnoringCase("<script");
    }

    @Test
    void theTestsOfACircuitAreShown() throws IOException {
        String tests = """
            "circuit_tests": {"sufficiency": 1.02, "necessity": 0.875, "members": [
              {"component": "1.3", "circuit_without": 0.21, "model_without": 0.34, "incompleteness": 0.13,
               "change": 7.25, "share_exceeded": 1.0, "adjusted_p": 0.31}]},
            """;
        String html = html(twin().replaceFirst("\\{", "{" + tests));
        assertThat(html)
                .contains("it keeps 1.02 of the gap", "loses 0.875 of it", "circuit_tests/members/0")
                .contains("7.25");
        assertThat(html(twin())).doesNotContain("circuit_tests");
    }

    @Test
    void everyPrintedAddressIsAPlaceInTheTwin() throws IOException {
        Json twin = Json.readObject(
                InputErrors.INSTANCE, "report.json", ReportSample.files().get(InvestigationReport.TWIN));
        String html = InvestigationReport.of(ReportSample.files()).html();
        List<String> addresses = ADDRESS.matcher(html)
                .results()
                .map(match -> match.group(1))
                .filter(address -> address.contains("/"))
                .toList();
        assertThat(addresses)
                .hasSizeGreaterThan(60)
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
    void theSameFilesGiveTheSamePage(@TempDir Path folder) throws IOException {
        Map<String, byte[]> files = ReportSample.files();
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Files.createDirectories(folder.resolve(file.getKey()).getParent());
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
        Files.writeString(folder.resolve("run.json"), "not looked at");
        assertThat(InvestigationReport.read(folder).html())
                .isEqualTo(InvestigationReport.of(files).html())
                .isEqualTo(new String(InvestigationReport.file(files), StandardCharsets.UTF_8));
    }

    @Test
    void whatIsNotThereIsSaidNotToHaveBeenDone() {
        assertThat(html(MINIMAL))
                .contains(
                        "Not present",
                        "Sanity suite not run",
                        "The claims were not tested in this investigation.",
                        "No circuit was searched for in this investigation.",
                        "No alternative was tested in this investigation.",
                        "The finding was not repeated under variations in this investigation.")
                .doesNotContain("NaN", ">null<");
    }

    @Test
    void aFailedSanityCheckColoursTheWholeHead() throws IOException {
        assertThat(html(twin()))
                .contains("<header class=\"bad\">", "Sanity checks failed", "other prompts. Do not rely");
        String passed = twin().replace("\"status\":\"failed\"", "\"status\":\"passed\"");
        assertThat(html(passed)).contains("<header class=\"unsure\">", "Sanity checks passed");
        assertThat(html(passed.replace("\"changes_something\":true", "\"changes_something\":false")))
                .contains("<header class=\"bad\">", "the edit of “needed” changed nothing");
        assertThat(html(passed.replace("\"shared_prompts\":0", "\"shared_prompts\":2")))
                .contains("<header class=\"bad\">", "the halves share prompts");
    }

    @Test
    void hostileStringsStayText() throws IOException {
        String hostile = "</script><img src=x onerror=alert(1)>";
        Map<String, byte[]> files = ReportSample.files();
        String twin = Pattern.compile("([:,\\[] ?)\"((?:[^\"\\\\]|\\\\.)*)\"(?!\\s*:)")
                .matcher(twin())
                .replaceAll(match -> match.group(2).equals(InvestigationReport.FORMAT)
                        ? Matcher.quoteReplacement(match.group())
                        : Matcher.quoteReplacement(match.group(1) + "\"" + hostile + "\""));
        files.put(InvestigationReport.TWIN, twin.getBytes(StandardCharsets.UTF_8));
        String measured = new String(files.get("4-held-out/measurements.csv"), StandardCharsets.UTF_8);
        files.put(
                "4-held-out/measurements.csv",
                measured.replace("When ", hostile)
                        .replace("\"needed/", "\"" + hostile + "/")
                        .getBytes(StandardCharsets.UTF_8));
        String html = InvestigationReport.of(files).html();
        assertThat(html)
                .contains("&lt;/script&gt;&lt;img")
                .doesNotContain("<img")
                .doesNotContain("</script");
        assertThat(html.toLowerCase(Locale.ROOT)).doesNotContain("<script");
        assertThat(html).contains("<figcaption>“&lt;/script&gt;");
    }

    @Test
    void badFilesAreRefusedWithTheKey() throws IOException {
        assertThatThrownBy(() -> InvestigationReport.of(Map.of()))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("7-report/report.json");
        assertThatThrownBy(() -> html("{}"))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("format");
        assertThatThrownBy(() -> html("{\"format\":\"hyaline-report/2\"}"))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("hyaline-report/1");
        assertThatThrownBy(() -> html("{\"format\":\"hyaline-report/1\"}"))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("verdict");
        String claim = "\"analysis\":{\"claims\":[{\"held_out\":{%s}}]},\"verdict\"";
        assertThatThrownBy(() -> html(MINIMAL.replace("\"verdict\"", claim.replace("%s", "\"estimate\":\"x\""))))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("analysis.claims[0].held_out.estimate");
        assertThatThrownBy(() -> html(MINIMAL.replace("\"verdict\"", claim.replace("%s", "\"interval\":[1]"))))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("two numbers");
        Map<String, byte[]> files = ReportSample.files();
        files.put("4-held-out/measurements.csv", "prompt,a\nx\n".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> InvestigationReport.of(files).html())
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("4-held-out/measurements.csv has 2 names, but 1 cells");
    }
}
