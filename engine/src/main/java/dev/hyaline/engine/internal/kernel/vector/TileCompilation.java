package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.TileShape.FOUR_BY_TWO;
import static dev.hyaline.engine.internal.kernel.TileShape.SIX_BY_FOUR;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;

import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.kernel.TileShape;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Tells which tiles to use now. Until C2 has compiled a tile, the Vector API allocates each of its vectors, and a wide
 * tile has more than twice as many as a narrow one: half a second of a first pass. So a process begins in narrow tiles.
 * Once it has multiplied so much that it seems to go on, a thread runs wide ones on small operands until they are
 * compiled, and from then on they are used.
 */
final class TileCompilation {
    /**
     * Multiply-adds of a process that seems to go on: two passes of 16 tokens through GPT-2 small, or part of a long
     * one.
     */
    private static final long LONG_ENOUGH = 4_000_000_000L;

    /** Runs between two looks at the clock. */
    private static final int RUNS = 50;
    /** Runs before which C2 compiles nothing. */
    private static final int MIN_RUNS = 600;
    /** Runs after which C2 has given up. */
    private static final int MAX_RUNS = 20_000;

    /** Steps of a chain, so few that C2 compiles the whole method before it compiles its loop alone. */
    private static final int STEPS = 32;

    /** Compiled, {@link #wide} takes three times the narrow product; not compiled, a hundred times. */
    private static final int MANY = 10;

    private static final LongAdder MULTIPLIED = new LongAdder();
    private static final AtomicBoolean STARTED = new AtomicBoolean();
    private static volatile TileShape shape = TileShape.isForced() ? Lanes.SHAPE : FOUR_BY_TWO;
    private static volatile boolean settled = shape == Lanes.SHAPE;

    private final InputRows in = new InputRows();
    private final PackedMatrix matrix = PackedMatrix.zeros(STEPS, 2 * PackedMatrix.PANEL, false);
    private final float[] values = new float[16 * 2 * PackedMatrix.PANEL];
    private final float[] out = new float[16 * 2 * PackedMatrix.PANEL];
    private final float[][] blocks = new float[4][4 * WIDTH * Kernels.KEYS_PER_BLOCK];
    private final Scratch scratch = new Scratch();

    private TileCompilation() {}

    /** The shape to use now. */
    static TileShape shape() {
        return shape;
    }

    /** Counts the multiply-adds of a product of so many rows. */
    static void multiplied(int rows, long perRow) {
        if (settled || rows < FOUR_BY_TWO.rows()) {
            return;
        }
        MULTIPLIED.add(rows * perRow);
        if (MULTIPLIED.sum() >= LONG_ENOUGH && STARTED.compareAndSet(false, true)) {
            Thread.ofPlatform().daemon().name("hyaline-tiles").start(() -> new TileCompilation().run());
        }
    }

    private void run() {
        long narrow = Long.MAX_VALUE;
        for (int runs = 0; runs < MAX_RUNS; runs += RUNS) {
            narrow = Math.min(narrow, nanos(() -> product(12, FOUR_BY_TWO)));
            if (nanos(this::wide) < MANY * narrow && runs >= MIN_RUNS) {
                shape = SIX_BY_FOUR;
                break;
            }
        }
        settled = true;
    }

    private static long nanos(Runnable kernels) {
        long start = System.nanoTime();
        for (int i = 0; i < RUNS; i++) {
            kernels.run();
        }
        return System.nanoTime() - start;
    }

    /** All that wide tiles have of their own: six rows, four or two that are left over, and attention. */
    private void wide() {
        product(6 + 4, SIX_BY_FOUR);
        product(6 + 2, SIX_BY_FOUR);
        int dHead = 4 * WIDTH;
        int keys = 4 * WIDTH / Kernels.KEYS_PER_BLOCK;
        AttentionTiles.scores(out, 0, 4 * WIDTH, values, 0, dHead, 4, blocks, keys, 0, dHead, 1, true);
        AttentionTiles.weigh(out, 0, dHead, values, 0, STEPS, 4, blocks, 0, 0, STEPS, dHead, true);
    }

    private void product(int rows, TileShape tiles) {
        in.set(values, 0, STEPS, STEPS, rows, tiles.rows());
        in.reserve();
        Interleaving.interleave(in, 0, in.groups());
        Tiles.product(out, 0, matrix.n(), in, matrix, 0, rows, 0, matrix.panels(), scratch);
    }
}
