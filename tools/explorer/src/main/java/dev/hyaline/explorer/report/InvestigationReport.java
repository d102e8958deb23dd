package dev.hyaline.explorer.report;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.View;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The report of an investigation as a page, made of the files of its phases and of nothing else. Every number on the
 * page is one of {@code report.json} or of a table by prompt; the page prints its place there (a JSON pointer without
 * the first stroke, such as {@code analysis/claims/0/held_out/estimate}, or a file's name) beside it. What was not done
 * is said not to have been done.
 */
public final class InvestigationReport {
    /** The twin of the page, among the files. */
    public static final String TWIN = "7-report/report.json";

    /** The value of the twin's key {@code format}. */
    public static final String FORMAT = "hyaline-report/1";

    private static final int MAX_BYTES = 1 << 28;

    private final ReportFiles files;

    private InvestigationReport(ReportFiles files) {
        this.files = files;
    }

    /**
     * Reads the folder of a finished investigation.
     *
     * @throws FileException if a file cannot be read
     * @throws HyalineException naming the file and the key, if they hold no report
     */
    public static InvestigationReport read(Path folder) {
        Map<String, byte[]> contents = new TreeMap<>();
        try (Stream<Path> found = Files.find(folder, 2, (path, attributes) -> attributes.isRegularFile())) {
            for (Path file : found.toList()) {
                String name = folder.relativize(file).toString().replace('\\', '/');
                if (name.matches("\\d-[a-z-]+/[\\w-]+\\.(json|csv)")) {
                    try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
                        contents.put(name, input.readAll(MAX_BYTES));
                    }
                }
            }
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
        return of(contents);
    }

    /**
     * A report from the contents of its files.
     *
     * @param contents by path, such as {@code 7-report/report.json}; those that the page does not need are not looked
     *     at
     * @throws HyalineException naming the file and the key, if they hold no report
     */
    public static InvestigationReport of(Map<String, byte[]> contents) {
        byte[] twin = contents.get(TWIN);
        if (twin == null) {
            throw new BadInputException("there is no " + TWIN + ": the investigation has not come to its report");
        }
        Json report = Json.readObject(InputErrors.INSTANCE, TWIN, twin);
        Json format = report.require("format");
        if (!format.string().equals(FORMAT)) {
            throw format.expected(FORMAT);
        }
        return new InvestigationReport(new ReportFiles(ReportNode.of(report), Map.copyOf(contents)));
    }

    /**
     * The page's file from the contents of all others, as a {@link dev.hyaline.analysis.laboratory.ReportPage} gives
     * it.
     */
    public static byte[] file(Map<String, byte[]> contents) {
        return of(contents).html().getBytes(StandardCharsets.UTF_8);
    }

    /** The page. */
    public Page page() {
        VerdictPart verdict = new VerdictPart(files);
        List<View> views = new ArrayList<>(verdict.views());
        views.addAll(ClaimParts.views(files));
        views.addAll(CircuitParts.views(files.report()));
        views.addAll(FurtherParts.views(files.report()));
        views.addAll(RivalParts.views(files));
        views.addAll(RecordParts.views(files));
        return Page.of(files.report().text("title", "An investigation"), views)
                .withSubtitle(verdict.subtitle())
                .withTone(verdict.tone());
    }

    /** The text of the page's file. */
    public String html() {
        return page().html();
    }
}
