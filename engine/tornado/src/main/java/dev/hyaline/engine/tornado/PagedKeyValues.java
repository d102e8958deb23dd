package dev.hyaline.engine.tornado;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.KeptPositions;
import dev.hyaline.engine.internal.forward.KeyValues;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of a sequence on a device: the pages that hold them. A copy shares the pages that nobody writes
 * again.
 */
final class PagedKeyValues implements KeyValues {
    private static final Cleaner CLEANER = Cleaner.create();

    private final TornadoBackend backend;
    private final Held held;
    private final KeptPositions kept;

    /** The pages that are given back when nobody has the sequence any more; must not refer to it. */
    private record Held(PagePool pool, List<Integer> pages) implements Runnable {
        @Override
        public void run() {
            pages.forEach(pool::release);
        }
    }

    PagedKeyValues(TornadoBackend backend, PagePool pool) {
        this(backend, pool, new KeptPositions());
    }

    private PagedKeyValues(TornadoBackend backend, PagePool pool, KeptPositions kept) {
        this.backend = backend;
        this.kept = kept;
        held = new Held(pool, new ArrayList<>());
        CLEANER.register(this, held);
    }

    /** Returns whether a backend has the pages. */
    boolean isOn(TornadoBackend backend) {
        return this.backend == backend;
    }

    int page(int index) {
        return held.pages.get(index);
    }

    @Override
    public Gpt2Config config() {
        return backend.config();
    }

    @Override
    public KeptPositions kept() {
        return kept;
    }

    @Override
    public KeyValues amendable(int from, int positions) {
        PagedKeyValues copy = new PagedKeyValues(backend, held.pool, new KeptPositions(positions, from));
        int shared = from / AttentionKernels.PAGE;
        for (int i = 0; i < shared; i++) {
            held.pool.share(page(i));
            copy.held.pages.add(page(i));
        }
        copy.reserve(positions);
        for (int i = shared; i < copy.held.pages.size(); i++) {
            backend.copyPage(page(i), copy.page(i));
        }
        kept.share();
        return copy;
    }

    @Override
    public void reserve(int positions) {
        int needed = Math.ceilDiv(positions, AttentionKernels.PAGE);
        while (held.pages.size() < needed) {
            held.pages.add(held.pool.take());
        }
    }
}
