package dev.hyaline.explorer.report;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.Tone;
import dev.hyaline.explorer.View;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The report of an investigation as a page, made of its machine-readable twin {@code report.json} and of nothing else:
 * every number on the page is one of the twin's, and the page prints its place there (a JSON pointer without the first
 * stroke, such as {@code claims/0/estimate}) beside it.
 */
public final class InvestigationReport {
    /** The value of the twin's key {@code format}. */
    public static final String FORMAT = "hyaline-report/1";

    private static final int MAX_BYTES = 1 << 28;

    private final Json report;

    private InvestigationReport(Json report) {
        this.report = report;
    }

    /**
     * Reads a report.
     *
     * @param file a {@code report.json}
     * @throws FileException if it cannot be read
     * @throws HyalineException naming the key, if it is no report
     */
    public static InvestigationReport read(Path file) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return of(input.label(), input.readAll(MAX_BYTES));
        }
    }

    /**
     * A report from its text.
     *
     * @param label its name in errors
     * @throws HyalineException naming the key, if it is no report
     */
    public static InvestigationReport of(String label, byte[] json) {
        Json report = Json.readObject(InputErrors.INSTANCE, label, json);
        Json format = report.require("format");
        if (!format.string().equals(FORMAT)) {
            throw format.expected(FORMAT);
        }
        return new InvestigationReport(report);
    }

    /** The page. */
    public Page page() {
        ReportNode root = ReportNode.of(report);
        VerdictPart verdict = new VerdictPart(root);
        List<View> views = new ArrayList<>(verdict.views());
        views.addAll(ClaimParts.views(root));
        views.addAll(CircuitParts.views(root));
        views.addAll(RivalParts.views(root));
        views.addAll(RecordParts.views(root));
        return Page.of(root.text("title", "An investigation"), views)
                .withSubtitle(verdict.subtitle())
                .withTone(verdict.sanityFailed() ? Tone.BAD : verdict.headTone());
    }

    /** The text of the page's file. */
    public String html() {
        return page().html();
    }
}
