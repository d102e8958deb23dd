package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * What to record of a run: hook points, and the positions at which.
 *
 * @param points in the order in which a pass reaches them, each once
 * @param positions chosen in each sequence by itself, so that -1 is the last token of every prompt; of attention maps
 *     they choose the queries
 */
public record Capture(List<HookPoint> points, IndexSelection positions) {
    /**
     * Tokens a pass takes together: enough to keep the matrix products busy, few enough that a vocabulary of logits
     * each stays small.
     */
    private static final int TOKENS_A_PASS = 1024;

    public Capture {
        points = List.copyOf(new TreeSet<>(points));
        if (points.isEmpty()) {
            throw new BadInputException("a capture needs at least one hook point");
        }
    }

    /**
     * The points that the patterns select, as in {@link HookPoints#select(Gpt2Config, String...)}, at every position.
     */
    public static Capture of(Gpt2Config config, String... patterns) {
        return new Capture(HookPoints.select(config, patterns), IndexSelection.all());
    }

    /** The same points at these positions only. */
    public Capture positions(IndexSelection positions) {
        return new Capture(points, positions);
    }

    /** The positions recorded in a sequence of {@code length} tokens, ascending. */
    public int[] positions(int length) {
        return positions.in(length, "position");
    }

    /**
     * Shape of a point's recorded values for one sequence: {@code [positions, ...]}, or {@code [nHeads, positions,
     * length]} for attention maps.
     *
     * @param length tokens in the sequence
     */
    public List<Integer> shape(Gpt2Config config, Site site, int length) {
        return shape(config, site, positions(length).length, length);
    }

    static List<Integer> shape(Gpt2Config config, Site site, int positions, int length) {
        List<Integer> shape = new ArrayList<>(site.shape().perToken(config));
        if (site.shape() == Site.Shape.ATTENTION) {
            shape.add(positions);
            shape.add(length);
        } else {
            shape.addFirst(positions);
        }
        return List.copyOf(shape);
    }

    /**
     * Runs prompts, several to a pass, and hands what is recorded to a listener. No more than a few passes' buffers are
     * held at a time, however many the prompts.
     *
     * @throws BadInputException if a sequence has none of the positions
     */
    public void run(Gpt2 model, Prompts prompts, CaptureListener listener) {
        requirePositions(prompts);
        for (int first = 0; first < prompts.size(); ) {
            int end = first;
            int tokens = 0;
            do {
                tokens += prompts.length(end++);
            } while (end < prompts.size() && tokens + prompts.length(end) <= TOKENS_A_PASS);
            runBatch(model, prompts, first, end, listener);
            first = end;
        }
    }

    /** A prompt that lacks a position is found, and named, before anything runs. */
    void requirePositions(Prompts prompts) {
        for (int s = 0; s < prompts.size(); s++) {
            try {
                positions(prompts.length(s));
            } catch (BadInputException e) {
                throw new BadInputException(prompts.name(s) + ": " + e.getMessage());
            }
        }
    }

    private void runBatch(Gpt2 model, Prompts prompts, int first, int end, CaptureListener listener) {
        List<Sequence> batch = IntStream.range(first, end)
                .mapToObj(sequence -> Sequence.of(prompts.tokens(sequence)))
                .toList();
        int[] logitRows = logitRows(batch);
        CaptureProbe probe = new CaptureProbe(this, batch, first, listener);
        ForwardResult result = model.forward(
                ForwardRequest.of(batch).logits(LogitSelection.rows(logitRows)).probe(probe));
        probe.requireAllFired();
        int nextRow = 0;
        for (int s = 0; s < batch.size(); s++) {
            nextRow += batch.get(s).length();
            listener.finished(first + s, result.row(Arrays.binarySearch(logitRows, nextRow - 1)));
        }
    }

    /** Rows to form logits of: each sequence's last, and the recorded ones if the logits are recorded. */
    private int[] logitRows(List<Sequence> batch) {
        boolean recorded = points.getLast().site() == Site.UNEMBED_OUT;
        IntStream.Builder rows = IntStream.builder();
        int firstRow = 0;
        for (Sequence sequence : batch) {
            if (recorded) {
                for (int position : positions(sequence.length())) {
                    rows.add(firstRow + position);
                }
            }
            firstRow += sequence.length();
            rows.add(firstRow - 1);
        }
        return rows.build().distinct().toArray();
    }
}
