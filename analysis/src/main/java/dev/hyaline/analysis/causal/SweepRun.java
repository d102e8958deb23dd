package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.internal.CellJournal;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.MultiplyAdds;
import dev.hyaline.instrument.run.SequenceEdit;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One sweep on its way: results by cell and pair, in memory and in the journal. */
final class SweepRun {
    /** Results of a journal that are measured again with a metric that words do not identify. */
    private static final int MEASURED_AGAIN = 8;

    /** One cell of the sweep's table on one pair. */
    private record Measurement(int cell, int pair) {}

    private final MeasuredRuns measured;
    private final PromptPairs prompts;
    private final Sweep sweep;
    private final SweepOptions options;
    private final int pairs;
    /** {@code [cells, pairs]}. */
    private final double[] values;
    /** Of the values, those that are there. */
    private final BitSet done = new BitSet();

    private MultiplyAdds work = MultiplyAdds.NONE;
    private @Nullable CellJournal journal;

    SweepRun(MeasuredRuns measured, Sweep sweep, SweepOptions options) {
        this.measured = measured;
        this.sweep = sweep;
        this.options = options;
        prompts = measured.runs().pairs();
        pairs = prompts.size();
        values = new double[Math.multiplyExact(sweep.cells(), pairs)];
    }

    SweepResult run() {
        options.journal().ifPresent(file -> journal = CellJournal.open(file, fingerprint(), this::take));
        long resumed = done.cardinality();
        try {
            if (resumed > 0 && !measured.metric().isBuiltIn()) {
                measureAgain(options.journal().orElseThrow());
            }
            for (int group = 0; group < sweep.groups(); group++) {
                measure(group);
            }
            Baselines baselines = measured.baselines();
            ResultTable table = ResultTable.of(
                            sweep.title(),
                            measured.metric().quantity(),
                            measured.metric().unit(),
                            sweep.axes(),
                            prompts.names(),
                            values)
                    .ofSamples("pairs")
                    .neutralAt(baselines.mean(sweep.base()))
                    .changedFrom(Baselines.NAME, baselines.of(sweep.base()));
            ResultTable ofUnits = prompts.units().map(table::ofUnits).orElse(table);
            return new SweepResult(ofUnits, baselines, sweep.base(), work, values.length - resumed, resumed);
        } finally {
            if (journal != null) {
                journal.close();
            }
        }
    }

    private void measure(int group) {
        List<Measurement> left = measurements(group)
                .filter(measurement -> !done.get(index(measurement)))
                .toList();
        measure(group, left, (measurement, value, taken) -> {
            CellJournal.Result result = new CellJournal.Result(measurement.cell(), measurement.pair(), value, taken);
            take(result);
            if (journal != null) {
                journal.add(result);
            }
            options.progress().measured(done.cardinality(), values.length);
            if (Thread.currentThread().isInterrupted()) {
                throw new HyalineException("the sweep was interrupted after " + done.cardinality() + " of "
                        + values.length + " measurements");
            }
        });
    }

    /** Measures some of what the journal held again, since its metric's function may be another by now. */
    private void measureAgain(Path file) {
        int group = IntStream.range(0, sweep.groups())
                .filter(g -> measurements(g).anyMatch(measurement -> done.get(index(measurement))))
                .findFirst()
                .orElseThrow();
        List<Measurement> some = measurements(group)
                .filter(measurement -> done.get(index(measurement)))
                .limit(MEASURED_AGAIN)
                .toList();
        measure(group, some, (measurement, value, taken) -> {
            double held = values[index(measurement)];
            if (Double.doubleToLongBits(held) != Double.doubleToLongBits(value)) {
                throw new BadInputException(file + " holds " + held + " as the metric "
                        + measured.metric().name() + " of cell " + measurement.cell() + " and pair "
                        + measurement.pair() + ", which now gives " + value
                        + ": the metric's function is another; give it another name, or delete the file");
            }
        });
    }

    /** Takes measurements as they come. */
    private interface Taker {
        void take(Measurement measurement, double value, MultiplyAdds taken);
    }

    private void measure(int group, List<Measurement> measurements, Taker taker) {
        if (measurements.isEmpty()) {
            return;
        }
        Sweep.CellEdits cellEdits = sweep.edits(measured.runs(), group);
        for (int first = 0; first < measurements.size(); first += sweep.editsAtOnce()) {
            List<Measurement> some =
                    measurements.subList(first, Math.min(measurements.size(), first + sweep.editsAtOnce()));
            List<SequenceEdit> edits = some.stream()
                    .map(asked ->
                            new SequenceEdit(asked.pair(), Interventions.of(cellEdits.of(asked.cell(), asked.pair()))))
                    .toList();
            measured.rerun(sweep.base(), edits)
                    .forEach(result ->
                            taker.take(some.get(result.edit()), measured.measure(sweep.base(), result), result.work()));
        }
    }

    private Stream<Measurement> measurements(int group) {
        return sweep.cells(group)
                .boxed()
                .flatMap(cell -> IntStream.range(0, pairs).mapToObj(pair -> new Measurement(cell, pair)));
    }

    private int index(Measurement measurement) {
        return measurement.cell() * pairs + measurement.pair();
    }

    private void take(CellJournal.Result result) {
        if (result.pair() < 0 || result.pair() >= pairs || result.cell() < 0 || result.cell() >= sweep.cells()) {
            throw new HyalineException("the journal of the sweep holds a cell that it does not have");
        }
        int index = index(new Measurement(result.cell(), result.pair()));
        values[index] = result.value();
        work = work.plus(result.work());
        done.set(index);
    }

    /** A digest of all that the results depend on. */
    private byte[] fingerprint() {
        return measured.fingerprint(sweep.key() + sweep.axes() + sweep.base());
    }
}
