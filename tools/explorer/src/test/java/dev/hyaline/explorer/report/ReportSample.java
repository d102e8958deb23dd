package dev.hyaline.explorer.report;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The files of a study of fable's indirect objects. What its phases do not yet give is of the golden study: the heads,
 * controls, interactions, alternatives.
 */
public final class ReportSample {
    private ReportSample() {}

    public static Map<String, byte[]> files() throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        files.put(InvestigationReport.TWIN, content("report.json"));
        files.put("3-design/prompts.json", content("prompts.json"));
        files.put("4-held-out/measurements.csv", content("measurements.csv"));
        return files;
    }

    private static byte[] content(String name) throws IOException {
        try (InputStream sample = ReportSample.class.getResourceAsStream(name)) {
            return Objects.requireNonNull(sample, name).readAllBytes();
        }
    }
}
