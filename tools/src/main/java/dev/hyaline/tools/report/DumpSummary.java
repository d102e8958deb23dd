package dev.hyaline.tools.report;

import dev.hyaline.analysis.SummaryStatistics;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.CaptureListener;
import dev.hyaline.tools.terminal.ConsoleProgress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Statistics of a dump's values, gathered while they are written. */
public final class DumpSummary implements CaptureListener {
    private static final int LIKELIEST = 5;

    private final Prompts prompts;
    private final ConsoleProgress progress;
    private final Map<HookPoint, SummaryStatistics> statistics = new HashMap<>();
    private final List<List<NextToken>> likeliest = new ArrayList<>();

    public DumpSummary(Prompts prompts, ConsoleProgress progress) {
        this.prompts = prompts;
        this.progress = progress;
    }

    @Override
    public void captured(HookPoint point, int sequence, float[] values, int offset, int length) {
        statistics.computeIfAbsent(point, p -> new SummaryStatistics()).add(values, offset, length);
    }

    @Override
    public void finished(int sequence, float[] nextTokenLogits) {
        likeliest.add(allFinite(nextTokenLogits) ? NextToken.likeliest(nextTokenLogits, LIKELIEST) : List.of());
        progress.advance(prompts.length(sequence));
    }

    SummaryStatistics statistics(HookPoint point) {
        return Objects.requireNonNull(statistics.get(point), point::name);
    }

    private static boolean allFinite(float[] values) {
        for (float value : values) {
            if (!Float.isFinite(value)) {
                return false;
            }
        }
        return true;
    }

    /** The likeliest tokens after a prompt, likeliest first; none if a logit is not finite. */
    List<NextToken> likeliest(int sequence) {
        return likeliest.get(sequence);
    }
}
