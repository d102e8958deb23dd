package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Host;
import dev.hyaline.engine.internal.forward.KeyValues;
import dev.hyaline.engine.internal.forward.LogitColumns;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.Plan.Output;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Checks requests against a model, and turns them into plans. */
final class Planner {
    private static final int[] NO_ROWS = {};

    private final Gpt2Config config;
    private final Host host;

    Planner(Gpt2Config config, Host host) {
        this.config = config;
        this.host = host;
    }

    /**
     * Plans a request.
     *
     * @throws HyalineException in one sentence, if the model cannot run it
     */
    Plan plan(ForwardRequest request) {
        Boundary from = begin(request.start());
        Boundary to = end(request.goal());
        if (to.isBefore(from)) {
            throw new BadInputException(
                    "a pass cannot begin at " + from + " and stop at " + to + ", which comes before");
        }
        Boundary whole = firstWholeStage(request.start(), from, to);
        Batch batch = batch(request.sequences());
        requireValues(request.start(), batch.rows());
        requireAppendable(request, to);
        return new Plan(batch, request.start(), whole.upTo(to), output(request.goal(), batch), request.probe());
    }

    /** Plans passes that append one token to each cache: token and position are filled in before each. */
    Plan planSteps(List<KvCache> caches, Probe probe) {
        int count = caches.size();
        if (count == 0) {
            throw new BadInputException("a decoder needs at least one cache, found none");
        }
        KeyValues[] past = caches.stream().map(KvCache::keyValues).toArray(KeyValues[]::new);
        if (new HashSet<>(List.of(past)).size() < count) {
            throw new BadInputException("two sequences of a decoder cannot append to the same cache");
        }
        boolean[] append = new boolean[count];
        for (int s = 0; s < count; s++) {
            requireReadable(past[s], s);
            append[s] = true;
        }
        int[] rows = IntStream.range(0, count).toArray();
        int[] firstRow = IntStream.rangeClosed(0, count).toArray();
        Batch batch = new Batch(new int[count], firstRow, new int[count], past, append);
        return new Plan(
                batch,
                new Start.Embedding(),
                Boundary.first().upTo(Boundary.last(config)),
                new Output.Logits(rows, LogitColumns.ALL),
                probe);
    }

    /** The boundary at which the first stage begins. */
    private Boundary begin(Start start) {
        return switch (start) {
            case Start.Embedding embedding -> Boundary.first();
            case Start.Residual residual -> residual.at().requireIn(config);
            case Start.Branch branch -> {
                HookPoint point = branch.point();
                if (point.layer() >= config.nLayers()) {
                    throw new BadInputException("the model has " + config.nLayers() + " layers, found point " + point);
                }
                yield point.boundaryBefore(config).orElseThrow();
            }
        };
    }

    private Boundary end(Goal goal) {
        return switch (goal) {
            case Goal.ResidualRows residual -> residual.at().requireIn(config);
            case Goal.LogitRows logits -> Boundary.last(config);
        };
    }

    /** The boundary from which on stages are run as a whole. */
    private static Boundary firstWholeStage(Start start, Boundary from, Boundary to) {
        if (!(start instanceof Start.Branch branch)) {
            return from;
        }
        if (from.equals(to)) {
            throw new BadInputException(
                    "a pass that begins at " + branch.point() + " must run to a later boundary than " + from);
        }
        return from.next();
    }

    private void requireValues(Start start, int rows) {
        switch (start) {
            case Start.Embedding embedding -> {}
            case Start.Residual residual -> requireResidual(residual.rows(), rows);
            case Start.Branch branch -> {
                requireResidual(branch.residual(), rows);
                int width = branch.point().site().shape().width(config);
                requireShape("values of " + branch.point() + " to begin from", branch.values(), rows, width);
            }
        }
    }

    private void requireResidual(float[] residual, int rows) {
        requireShape("residual rows to begin from", residual, rows, config.dModel());
    }

    private static void requireShape(String what, float[] values, int rows, int width) {
        if (values.length != rows * width) {
            throw new BadShapeException(
                    what, "[" + rows + ", " + width + "] (" + rows * width + " values)", values.length + " values");
        }
    }

    private void requireAppendable(ForwardRequest request, Boundary to) {
        boolean endsEarly = to.isBefore(Boundary.last(config).previous());
        for (Sequence sequence : request.sequences()) {
            boolean beginsLate = !(request.start() instanceof Start.Embedding) && !sequence.amends();
            if (sequence.appends() && (endsEarly || beginsLate)) {
                throw new BadInputException(
                        "a pass that appends to a cache must run from the embedding through the last attention");
            }
        }
    }

    private Output output(Goal goal, Batch batch) {
        return switch (goal) {
            case Goal.ResidualRows residual -> new Output.Residual();
            case Goal.LogitRows logits -> {
                int[] rows = logitRows(logits.selection(), batch);
                LogitColumns columns = logits.selection().logitColumns();
                for (int i = 0; i < columns.tokens().length; i++) {
                    requireToken(columns.tokens()[i], i);
                }
                yield new Output.Logits(rows, columns);
            }
        };
    }

    private static int[] logitRows(LogitSelection selection, Batch batch) {
        return switch (selection.rows()) {
            case NONE -> NO_ROWS;
            case ALL -> IntStream.range(0, batch.rows()).toArray();
            case LAST ->
                Arrays.stream(batch.firstRow(), 1, batch.sequences() + 1)
                        .map(end -> end - 1)
                        .toArray();
            case CHOSEN -> {
                int[] rows = selection.chosenRows();
                if (rows.length > 0 && (rows[0] < 0 || rows[rows.length - 1] >= batch.rows())) {
                    throw new BadInputException(
                            "logit rows must be from 0 to " + (batch.rows() - 1) + ", found " + Arrays.toString(rows));
                }
                yield rows;
            }
        };
    }

    private Batch batch(List<Sequence> sequences) {
        if (sequences.isEmpty()) {
            throw new BadInputException("a batch must hold at least one sequence, found none");
        }
        int count = sequences.size();
        int[] firstRow = new int[count + 1];
        int[] start = new int[count];
        KeyValues[] past = new KeyValues[count];
        boolean[] append = new boolean[count];
        Set<KeyValues> appended = new HashSet<>();
        for (int s = 0; s < count; s++) {
            Sequence sequence = sequences.get(s);
            check(sequence, s);
            firstRow[s + 1] = Math.addExact(firstRow[s], sequence.length());
            start[s] = sequence.start();
            past[s] = sequence.cache().map(KvCache::keyValues).orElse(null);
            append[s] = sequence.appends();
            if (append[s] && !appended.add(past[s])) {
                throw new BadInputException("two sequences of a batch cannot append to the same cache");
            }
        }
        requireArray(firstRow[count]);
        int[] tokens = new int[firstRow[count]];
        for (int s = 0; s < count; s++) {
            Sequence sequence = sequences.get(s);
            for (int i = 0; i < sequence.length(); i++) {
                tokens[firstRow[s] + i] = requireToken(sequence.token(i), i);
            }
        }
        return new Batch(tokens, firstRow, start, past, append);
    }

    private void check(Sequence sequence, int index) {
        if (sequence.length() == 0) {
            throw new BadInputException("sequence " + index + " must hold at least one token, found none");
        }
        if (sequence.end() > config.nCtx()) {
            throw new BadInputException("the model has " + config.nCtx()
                    + " positions, found a sequence that ends after " + sequence.end());
        }
        sequence.cache().ifPresent(cache -> {
            requireReadable(cache.keyValues(), index);
            boolean fits = sequence.amends()
                    ? sequence.start() >= cache.keyValues().writableFrom() && sequence.end() == cache.length()
                    : cache.length() == sequence.start();
            if (sequence.appends() && !fits) {
                throw new BadInputException("sequence " + index + " was to append at position " + sequence.start()
                        + ", but its cache now holds " + cache.length());
            }
        });
    }

    private void requireReadable(KeyValues keyValues, int sequence) {
        if (!keyValues.config().equals(config)) {
            throw new BadInputException(
                    "sequence " + sequence + " brings a cache of a model with another configuration");
        }
        if (!host.reads(keyValues)) {
            throw new BadInputException("sequence " + sequence + " brings a cache whose values are elsewhere: "
                    + "a model on a device and one on the processors cannot share one");
        }
    }

    /** Returns the token. */
    int requireToken(int token, int index) {
        if (token < 0 || token >= config.dVocab()) {
            throw new BadInputException(
                    "tokens must be from 0 to " + (config.dVocab() - 1) + ", found " + token + " at index " + index);
        }
        return token;
    }

    private void requireArray(int rows) {
        long widest = (long) rows * Math.max(config.dMlp(), config.dModel());
        if (widest > Integer.MAX_VALUE - 8) {
            throw new BadInputException("a batch of " + rows + " tokens exceeds 2^31 neurons; split it");
        }
    }
}
