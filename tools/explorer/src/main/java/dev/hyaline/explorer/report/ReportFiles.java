package dev.hyaline.explorer.report;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files that a report is made of.
 *
 * @param report its twin
 */
record ReportFiles(ReportNode report, Map<String, byte[]> contents) {
    static final String PROMPTS = "3-design/prompts.json";
    static final String MEASUREMENTS = "4-held-out/measurements.csv";

    List<ReportedClaim> claims() {
        String metric = report.path("verdict", "scope")
                .map(scope -> scope.text("metric", ""))
                .orElse("");
        return report.path("analysis").map(analysis -> analysis.list("claims")).orElse(List.of()).stream()
                .map(claim -> new ReportedClaim(claim, metric))
                .toList();
    }

    /** The half that claims are judged on. */
    Optional<ReportNode> heldOut() {
        return report.path("analysis", "held_out");
    }

    Optional<ReportNode> prompts() {
        return Optional.ofNullable(contents.get(PROMPTS))
                .map(content -> ReportNode.of(Json.readObject(InputErrors.INSTANCE, PROMPTS, content)));
    }

    Optional<CsvTable> measurements() {
        return Optional.ofNullable(contents.get(MEASUREMENTS))
                .map(content -> CsvTable.parse(MEASUREMENTS, new String(content, StandardCharsets.UTF_8)));
    }
}
