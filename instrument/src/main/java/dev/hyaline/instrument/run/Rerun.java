package dev.hyaline.instrument.run;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.capture.Capture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * A run taken up again, once for each of many edits. For an edit only the layers and positions are recomputed that it
 * can change, from the base run's residual stream, keys and values: an edit of z or {@code result} begins after that
 * attention, one of {@code attn_out} or {@code mlp_out} with the sum, one of the MLP at {@code resid_mid}, all others
 * before their attention; and what an edit leaves as it was in the base run is not recomputed at all. Edits go through
 * the layers together in ragged batches, each from the layer on where it begins. The results equal those of full passes
 * with the same interventions, bit for bit.
 *
 * <p>Immutable; each method returns a changed copy.
 */
public final class Rerun {
    private static final int TOKENS_PER_PASS = 1024;

    /** Takes results as they come, which is not the order of the edits. */
    @FunctionalInterface
    public interface Listener {
        /** Called on the thread that resumes, once for each edit. What it throws ends the resumption. */
        void resumed(RerunResult result);
    }

    private final BaseRun run;
    private final List<SequenceEdit> edits;
    private final IntFunction<LogitSelection> logits;
    private final Optional<Capture> reading;
    private final int tokensPerPass;

    Rerun(BaseRun run, List<SequenceEdit> edits) {
        this(run, edits, sequence -> LogitSelection.last(), Optional.empty(), TOKENS_PER_PASS);
    }

    private Rerun(
            BaseRun run,
            List<SequenceEdit> edits,
            IntFunction<LogitSelection> logits,
            Optional<Capture> reading,
            int tokensPerPass) {
        this.run = run;
        this.edits = edits;
        this.logits = logits;
        this.reading = reading;
        this.tokensPerPass = tokensPerPass;
    }

    /** Which logits to form of every edited sequence; rows are positions. By default all of the last position. */
    public Rerun logits(LogitSelection selection) {
        return logits(sequence -> selection);
    }

    /** Which logits to form of each of the run's sequences; rows are positions. */
    public Rerun logits(IntFunction<LogitSelection> bySequence) {
        return new Rerun(run, edits, bySequence, reading, tokensPerPass);
    }

    /** What to read besides, after the edits: any point but the logits. */
    public Rerun reading(Capture capture) {
        capture.requireWholePoints("a partial rerun");
        return new Rerun(run, edits, logits, Optional.of(capture), tokensPerPass);
    }

    /**
     * How many tokens go through the model together, by default 1,024: what bounds the memory. A sequence that is
     * longer goes alone.
     */
    public Rerun tokensPerPass(int tokens) {
        if (tokens < 1) {
            throw new BadInputException("a pass must take at least 1 token, found " + tokens);
        }
        return new Rerun(run, edits, logits, reading, tokens);
    }

    /**
     * All results, in the order of the edits.
     *
     * @throws BadInputException as {@link #forEach}
     */
    public List<RerunResult> results() {
        RerunResult[] results = new RerunResult[edits.size()];
        forEach(result -> results[result.edit()] = result);
        return Arrays.asList(results);
    }

    /**
     * Resumes, and hands each result on as soon as it is there.
     *
     * @return what it took
     * @throws BadInputException before anything runs, if an edit does not fit the model or its sequence
     */
    public MultiplyAdds forEach(Listener listener) {
        return new Sweep(listener).run();
    }

    private PendingRerun cell(int edit) {
        SequenceEdit asked = edits.get(edit);
        try {
            int sequence = Math.clamp(asked.sequence(), 0, run.sequences() - 1); // the cell refuses what is outside
            return PendingRerun.of(run, edit, asked, logits.apply(sequence), reading);
        } catch (BadInputException e) {
            throw new BadInputException("edit " + edit + ": " + e.getMessage());
        }
    }

    /** One use of a resumption. */
    private final class Sweep {
        private final Listener listener;
        private final Gpt2Config config = run.config();
        private final List<HookPoint> points = HookPoint.all(config);
        private final Map<Integer, float[]> baseLogits = new HashMap<>();
        private long done;
        /** How much of it the results so far have told. */
        private long told;

        private long full;

        Sweep(Listener listener) {
            this.listener = listener;
        }

        MultiplyAdds run() {
            long[] order = order();
            RerunBatch wave = null;
            for (int i = 0; i < order.length; ) {
                PendingRerun next = cell((int) order[i]);
                if (next.cut() == null) {
                    hand(next, logits(next, null, 0, null));
                    i++;
                    continue;
                }
                Boundary joins = next.cut().joins(config);
                if (wave != null && wave.rows() + next.rows() > tokensPerPass) {
                    finish(wave);
                    wave = null;
                }
                if (wave == null) {
                    wave = new RerunBatch(run, joins);
                }
                wave.advance(joins);
                List<PendingRerun> entering = new ArrayList<>();
                int rows = wave.rows();
                do {
                    entering.add(next);
                    rows += next.rows();
                    i++;
                    next = i < order.length ? cell((int) order[i]) : null;
                } while (next != null
                        && next.cut().equals(entering.getFirst().cut())
                        && rows + next.rows() <= tokensPerPass);
                wave.enter(entering.getFirst().cut(), entering);
            }
            if (wave != null) {
                finish(wave);
            }
            return new MultiplyAdds(done, full);
        }

        /** The edits from the earliest cut to the latest, those without one first; in the low half of each number. */
        private long[] order() {
            long[] order = new long[edits.size()];
            for (int i = 0; i < order.length; i++) {
                PendingRerun cell = cell(i);
                long rank =
                        cell.cut() == null ? 0 : 1 + points.indexOf(cell.cut().first());
                order[i] = rank << Integer.SIZE | i;
                full += full(cell);
            }
            Arrays.sort(order);
            return order;
        }

        private void finish(RerunBatch wave) {
            wave.finish((cell, result, firstRow, columns) -> {
                done += wave.takeMultiplyAdds();
                hand(cell, logits(cell, result, firstRow, columns));
            });
        }

        private void hand(PendingRerun cell, float[] logits) {
            MultiplyAdds work = new MultiplyAdds(done - told, full(cell));
            told = done;
            listener.resumed(cell.result(columnCount(cell), logits, work));
        }

        private long full(PendingRerun cell) {
            return MultiplyAdds.pass(config, cell.length(), cell.positions().length, columnCount(cell));
        }

        private int columnCount(PendingRerun cell) {
            return cell.columns() == null ? config.dVocab() : cell.columns().length;
        }

        /** A cell's logits: those of positions that were recomputed, and the base run's of those before. */
        private float[] logits(PendingRerun cell, ForwardResult result, int firstRow, int[] columns) {
            int count = columnCount(cell);
            int[] positions = cell.positions();
            float[] logits = new float[Math.multiplyExact(positions.length, count)];
            int before = (int) IntStream.of(positions)
                    .filter(position -> position < cell.first())
                    .count();
            if (before > 0) {
                float[] base = baseLogits.computeIfAbsent(cell.sequence(), sequence -> baseLogits(cell));
                System.arraycopy(base, 0, logits, 0, before * count);
            }
            if (before == positions.length) {
                return logits; // none of its rows ran, and the pass may lack its columns
            }
            int[] places = places(cell.columns(), columns);
            for (int i = before; i < positions.length; i++) {
                int from = (firstRow + i - before) * result.columns();
                for (int c = 0; c < count; c++) {
                    logits[i * count + c] = result.logits()[from + (places == null ? c : places[c])];
                }
            }
            return logits;
        }

        /** Where the columns of a cell are among those of a pass; null if they are the same. */
        private int[] places(int[] ofCell, int[] ofPass) {
            if (ofCell == null || Arrays.equals(ofCell, ofPass)) {
                return null;
            }
            if (ofPass == null) {
                return ofCell;
            }
            Map<Integer, Integer> places = new HashMap<>();
            for (int i = 0; i < ofPass.length; i++) {
                places.put(ofPass[i], i);
            }
            return IntStream.of(ofCell).map(places::get).toArray();
        }

        private float[] baseLogits(PendingRerun cell) {
            Sequence whole = Sequence.of(run.prompts().tokens(cell.sequence()));
            Boundary end = Boundary.last(config);
            LogitSelection rows = LogitSelection.rows(cell.positions());
            ForwardRequest request = ForwardRequest.of(whole)
                    .from(end, run.rows(end, cell.sequence()))
                    .logits(cell.columns() == null ? rows : rows.columns(cell.columns()));
            done += MultiplyAdds.unembedding(config, cell.positions().length, columnCount(cell));
            return run.model().forward(request).logits();
        }
    }
}
