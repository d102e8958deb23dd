package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.run.Rerun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Runs of pairs and a metric of them, without edits and with. */
final class MeasuredRuns {
    private final PairRuns runs;
    private final Metric metric;
    private final Logits[] cleanLogits;
    private final Baselines baselines;

    MeasuredRuns(PairRuns runs, Metric metric) {
        this.runs = runs;
        this.metric = metric;
        cleanLogits = logits(Side.CLEAN);
        Logits[] corrupted = logits(Side.CORRUPTED);
        baselines = new Baselines(measure(Side.CLEAN, cleanLogits), measure(Side.CORRUPTED, corrupted));
    }

    PairRuns runs() {
        return runs;
    }

    Metric metric() {
        return metric;
    }

    Baselines baselines() {
        return baselines;
    }

    /** Reruns of one side with edits, forming the logits that the metric reads. */
    Rerun rerun(Side side, List<SequenceEdit> edits) {
        return runs.run(side).rerun(edits).logits(this::selection);
    }

    /** The metric of an edited run. */
    double measure(Side side, RerunResult result) {
        return measure(side, result.sequence(), logits(result));
    }

    /**
     * A digest of what results depend on: words for what is measured, the prompts, the metric, and through the metric
     * of the runs without edits the weights.
     */
    byte[] fingerprint(String words) {
        MessageDigest digest = Digests.sha256();
        digest.update((words + metric + runs.config()).getBytes(StandardCharsets.UTF_8));
        for (PromptPair pair : runs.pairs().list()) {
            for (int[] tokens : List.of(pair.clean(), pair.corrupted(), pair.answers(), pair.distractors())) {
                digest.update(Arrays.toString(tokens).getBytes(StandardCharsets.US_ASCII));
            }
            digest.update(pair.roles().toString().getBytes(StandardCharsets.UTF_8));
        }
        for (double[] baseline : List.of(baselines.clean(), baselines.corrupted())) {
            for (double value : baseline) {
                digest.update(ByteBuffer.allocate(Double.BYTES).putDouble(value).array());
            }
        }
        return digest.digest();
    }

    private double measure(Side side, int index, Logits logits) {
        PromptPair pair = runs.pairs().get(index);
        return metric.measure(new Reading(pair, side.tokens(pair), logits, cleanLogits[index]));
    }

    private double[] measure(Side side, Logits[] logits) {
        return IntStream.range(0, logits.length)
                .mapToDouble(pair -> measure(side, pair, logits[pair]))
                .toArray();
    }

    private LogitSelection selection(int index) {
        PromptPair pair = runs.pairs().get(index);
        LogitSelection rows = LogitSelection.rows(metric.positions(pair));
        return metric.tokens(pair).map(rows::columns).orElse(rows);
    }

    private Logits[] logits(Side side) {
        List<SequenceEdit> none = IntStream.range(0, runs.pairs().size())
                .mapToObj(SequenceEdit::of)
                .toList();
        return rerun(side, none).results().stream().map(this::logits).toArray(Logits[]::new);
    }

    private Logits logits(RerunResult result) {
        int[] tokens = metric.tokens(runs.pairs().get(result.sequence())).orElse(new int[0]);
        return new Logits(result.positions(), tokens, result.logits());
    }
}
