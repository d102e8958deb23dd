package dev.hyaline.engine.tornado;

import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Plan;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a pass as a device finds them: each one's token, position, pages of keys and attention map. Uploaded with
 * the first graph.
 */
final class PassRows {
    private final DeviceArrays arrays;
    private final DeviceSizes sizes;
    private final PagePool pool;
    private final LaunchQueue launches;
    /** Pages that hold what the pass does not append to a cache. */
    private final List<Integer> ownPages = new ArrayList<>();

    private @Nullable Batch batch;

    PassRows(DeviceArrays arrays, PagePool pool, LaunchQueue launches) {
        this.arrays = arrays;
        this.sizes = arrays.sizes;
        this.pool = pool;
        this.launches = launches;
    }

    /** Describes a pass. */
    void begin(Plan plan) {
        batch = plan.batch();
        int rows = batch.rows();
        if (rows > sizes.rows()) {
            throw new BackendUnavailableException(
                    "a pass on this device has room for " + sizes.rows() + " tokens, found " + rows,
                    "run fewer at once, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY);
        }
        int entries = 0;
        int tiles = 0;
        long map = 0;
        int heads = arrays.config.nHeads();
        for (int s = 0; s < batch.sequences(); s++) {
            int end = batch.end(s);
            int pages = Math.ceilDiv(end, AttentionKernels.PAGE);
            requireEntries(entries + pages);
            tablePages(batch, s, entries, pages);
            for (int i = 0; i < batch.length(s); i++) {
                int row = batch.firstRow()[s] + i;
                set(row, RowField.TOKEN, batch.tokens()[row]);
                set(row, RowField.POSITION, batch.start()[s] + i);
                set(row, RowField.PAGES, entries);
                set(row, RowField.KEYS, end);
                set(row, RowField.MAP, (int) Math.min(map + (long) i * end, Integer.MAX_VALUE));
                set(row, RowField.MAP_STRIDE, batch.length(s) * end);
            }
            for (int i = 0; i < batch.length(s); i += TiledKernels.TILE) {
                set(tiles, RowField.TILE_ROW, batch.firstRow()[s] + i);
                set(tiles++, RowField.TILE_ROWS, Math.min(TiledKernels.TILE, batch.length(s) - i));
            }
            entries += pages;
            map += (long) heads * batch.length(s) * end;
        }
        if (plan.output() instanceof Plan.Output.Logits logits) {
            for (int i = 0; i < logits.rows().length; i++) {
                set(i, RowField.CHOSEN, logits.rows()[i]);
            }
        }
        launches.begin(rows, tiles);
    }

    private void set(int row, int field, int value) {
        arrays.rows.set(row * RowField.FIELDS + field, value);
    }

    private void requireEntries(int entries) {
        if (entries > sizes.tableEntries()) {
            throw new BackendUnavailableException(
                    "the pasts of this batch exceed the device's table of " + sizes.tableEntries() + " pages",
                    "run fewer sequences at once, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY);
        }
    }

    /**
     * A sequence's pages: its cache's, grown for the pass; or a past's whole ones, then the pass's own, which begin
     * with a copy of the past's last.
     */
    private void tablePages(Batch batch, int s, int entry, int pages) {
        PagedKeyValues past = (PagedKeyValues) batch.past()[s];
        if (batch.append()[s]) {
            past.reserve(batch.end(s));
            for (int i = 0; i < pages; i++) {
                arrays.pages.set(entry + i, past.page(i));
            }
            return;
        }
        int shared = batch.start()[s] / AttentionKernels.PAGE;
        for (int i = 0; i < pages; i++) {
            arrays.pages.set(entry + i, i < shared ? past.page(i) : ownPage());
        }
        if (batch.start()[s] % AttentionKernels.PAGE != 0) {
            launches.copyPage(past.page(shared), arrays.pages.get(entry + shared));
        }
    }

    private int ownPage() {
        int page = pool.take();
        ownPages.add(page);
        return page;
    }

    /** Lets go of the pass. */
    void end() {
        ownPages.forEach(pool::release);
        ownPages.clear();
        batch = null;
    }
}
