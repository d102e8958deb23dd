package dev.hyaline.explorer.view;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.explorer.view.CorpusView.ShownDocument;
import dev.hyaline.explorer.view.CorpusView.ShownSite;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.CaptureListener;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Keeps what a capture records of prompts for a {@link CorpusView}: values by row, as many sites as a page holds.
 * Attention maps are left out, for they have no rows.
 */
public final class CorpusRecorder implements CaptureListener {
    private final Gpt2Config config;
    private final Prompts prompts;
    private final Capture capture;
    private final int[] rows;
    private final int total;
    private final Map<HookPoint, float[]> values = new LinkedHashMap<>();
    private final Map<HookPoint, Integer> filled = new LinkedHashMap<>();
    private final List<String> left = new ArrayList<>();
    private long bytes;

    private CorpusRecorder(Gpt2Config config, Prompts prompts, Capture capture) {
        this.config = config;
        this.prompts = prompts;
        this.capture = capture;
        rows = new int[prompts.size() + 1];
        for (int s = 0; s < prompts.size(); s++) {
            rows[s + 1] = rows[s] + capture.positions(prompts, s).length;
        }
        int fit = 0;
        while (fit < prompts.size() && rows[fit + 1] <= CorpusView.MAX_ROWS) {
            fit++;
        }
        total = rows[fit];
        for (HookPoint point : capture.points()) {
            long width = point.site().isMap() ? 0 : width(point);
            if (point.site().isMap() || bytes + total * width * Float.BYTES > CorpusView.MAX_BYTES) {
                left.add(point.name());
            } else {
                bytes += total * width * Float.BYTES;
                values.put(point, new float[Math.toIntExact(total * width)]);
            }
        }
    }

    /** A recorder of these prompts. */
    public static CorpusRecorder of(Gpt2Config config, Prompts prompts, Capture capture) {
        return new CorpusRecorder(config, prompts, capture);
    }

    private long width(HookPoint point) {
        return shape(point).stream().mapToLong(size -> size).reduce(1, Math::multiplyExact);
    }

    /** The shape of a row. */
    private List<Integer> shape(HookPoint point) {
        return capture.perToken(config, point.site());
    }

    @Override
    public void captured(HookPoint point, int sequence, float[] from, int offset, int length) {
        float[] kept = values.get(point);
        if (kept != null && rows[sequence + 1] <= total) {
            int at = filled.merge(point, length, Integer::sum) - length;
            System.arraycopy(from, offset, kept, at, length);
        }
    }

    /**
     * The view of what was recorded, when all prompts have run.
     *
     * @param vocabulary the tokens by id
     */
    public CorpusView view(ViewHeading heading, IntFunction<ViewToken> vocabulary) {
        List<ShownDocument> documents = new ArrayList<>();
        int[] tokens = new int[total];
        int[] positions = new int[total];
        int row = 0;
        for (int s = 0; s < prompts.size() && rows[s + 1] <= total; s++) {
            documents.add(new ShownDocument(prompts.name(s), row));
            for (int position : capture.positions(prompts, s)) {
                tokens[row] = prompts.token(s, position);
                positions[row++] = position;
            }
        }
        List<ShownSite> sites = new ArrayList<>();
        values.forEach((point, kept) -> sites.add(new ShownSite(point.name(), shape(point), kept)));
        int all = rows[prompts.size()];
        return new CorpusView(
                heading,
                documents,
                tokens,
                positions,
                sites,
                (total < all ? "The first " + total + " of " + all + " rows. " : "") + CorpusView.omitted(left),
                vocabulary);
    }
}
