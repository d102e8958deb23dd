package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.internal.CellJournal;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.Interventions;
import dev.hyaline.instrument.MultiplyAdds;
import dev.hyaline.instrument.SequenceEdit;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** One sweep on its way: results by cell and pair, in memory and in the journal. */
final class SweepRun {
    private final Experiment experiment;
    private final Sweep sweep;
    private final SweepOptions options;
    private final int pairs;
    private final double[] values;
    private final BitSet done = new BitSet();
    private MultiplyAdds work = MultiplyAdds.NONE;
    private Optional<CellJournal> journal = Optional.empty();

    SweepRun(Experiment experiment, Sweep sweep, SweepOptions options) {
        this.experiment = experiment;
        this.sweep = sweep;
        this.options = options;
        pairs = experiment.pairs().size();
        values = new double[Math.multiplyExact(sweep.cells(), pairs)];
    }

    SweepResult run() {
        journal = options.journal().map(file -> CellJournal.open(file, fingerprint(), this::take));
        long resumed = done.cardinality();
        try {
            for (int group = 0; group < sweep.groups(); group++) {
                measure(group);
            }
            Baselines baselines = experiment.baselines();
            ResultTable table = ResultTable.of(
                            sweep.title(),
                            experiment.metric().quantity(),
                            experiment.metric().unit(),
                            sweep.axes(),
                            experiment.pairs().names(),
                            values)
                    .neutralAt(baselines.mean(sweep.base()));
            return new SweepResult(table, baselines, sweep.base(), work, values.length - resumed, resumed);
        } finally {
            journal.ifPresent(CellJournal::close);
        }
    }

    private void measure(int group) {
        int[] left = sweep.cells(group)
                .flatMap(cell -> IntStream.range(0, pairs).map(pair -> cell * pairs + pair))
                .filter(index -> !done.get(index))
                .toArray();
        if (left.length == 0) {
            return;
        }
        Sweep.CellEdits edits = sweep.edits(group);
        List<SequenceEdit> list = new AbstractList<>() {
            @Override
            public SequenceEdit get(int i) {
                int pair = left[i] % pairs;
                return new SequenceEdit(pair, Interventions.of(edits.of(left[i] / pairs, pair)));
            }

            @Override
            public int size() {
                return left.length;
            }
        };
        experiment.resume(sweep.base(), list).forEach(resumed -> {
            int index = left[resumed.edit()];
            double value = experiment.measure(sweep.base(), resumed);
            CellJournal.Result result = new CellJournal.Result(index / pairs, index % pairs, value, resumed.work());
            take(result);
            journal.ifPresent(file -> file.add(result));
            options.progress().measured(done.cardinality(), values.length);
            if (Thread.currentThread().isInterrupted()) {
                throw new HyalineException("the sweep was interrupted after " + done.cardinality() + " of "
                        + values.length + " measurements");
            }
        });
    }

    private void take(CellJournal.Result result) {
        int index = result.cell() * pairs + result.pair();
        if (result.pair() < 0 || result.pair() >= pairs || index < 0 || index >= values.length) {
            throw new HyalineException("the journal of the sweep holds a cell that it does not have");
        }
        values[index] = result.value();
        work = work.plus(result.work());
        done.set(index);
    }

    /**
     * What the results depend on: the sweep, the prompts, the metric, and through the metric of the runs without edits
     * the weights.
     */
    private byte[] fingerprint() {
        MessageDigest digest = Digests.sha256();
        String words = sweep.key() + sweep.axes() + sweep.base() + experiment.metric() + experiment.config();
        digest.update(words.getBytes(StandardCharsets.UTF_8));
        for (PromptPair pair : experiment.pairs().list()) {
            for (int[] tokens : List.of(pair.clean(), pair.corrupted(), pair.answers(), pair.distractors())) {
                digest.update(Arrays.toString(tokens).getBytes(StandardCharsets.US_ASCII));
            }
            digest.update(pair.roles().toString().getBytes(StandardCharsets.UTF_8));
        }
        for (double[] values : List.of(
                experiment.baselines().clean(), experiment.baselines().corrupted())) {
            for (double value : values) {
                digest.update(
                        ByteBuffer.allocate(Double.BYTES).putDouble(value).array());
            }
        }
        return digest.digest();
    }
}
