package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Computes derived sites in the passes over some prompts, at the positions that a {@link Capture} chooses. */
public final class DerivedProbe {
    private final List<DerivedSite> sites;
    private final Prompts prompts;
    private final Capture capture;
    private final DerivedListener listener;
    private final Set<HookPoint> sources = new HashSet<>();

    /** Receives the rows of derived sites, sequence by sequence. */
    @FunctionalInterface
    public interface DerivedListener {
        /**
         * All rows of a site in a sequence.
         *
         * @param sequence index among the prompts
         * @param values {@code [positions, width]}
         */
        void derived(DerivedSite site, int sequence, float[] values);
    }

    /**
     * Derived sites of prompts.
     *
     * @throws BadInputException if two have one name, or one is computed from an attention map
     */
    public DerivedProbe(List<DerivedSite> sites, Prompts prompts, Capture capture, DerivedListener listener) {
        this.sites = requireDistinct(sites);
        this.prompts = prompts;
        this.capture = capture;
        this.listener = listener;
        sites.forEach(site -> sources.addAll(site.sources()));
    }

    /** Checks that sites can be derived together. */
    public static List<DerivedSite> requireDistinct(List<DerivedSite> sites) {
        Set<String> names = new HashSet<>();
        for (DerivedSite site : sites) {
            if (!names.add(site.name())) {
                throw new BadInputException("two sites are called " + site.name());
            }
            for (HookPoint source : site.sources()) {
                if (source.site().isMap()) {
                    throw new BadInputException(
                            site.name() + " cannot be computed from " + source + ", which has no row a token");
                }
            }
        }
        return List.copyOf(sites);
    }

    /** The same passes, in which the sites are computed too. */
    public PromptPass in(PromptPass pass) {
        return (first, end, logits, reader) -> pass.forward(first, end, logits, new Reading(first, reader));
    }

    private final class Reading implements Probe {
        private final int firstSequence;
        private final Probe reader;
        private final Map<HookPoint, List<float[]>> held = new HashMap<>();

        Reading(int firstSequence, Probe reader) {
            this.firstSequence = firstSequence;
            this.reader = reader;
        }

        @Override
        public boolean wants(HookPoint point) {
            return reader.wants(point) || sources.contains(point);
        }

        @Override
        public boolean reads(HookPoint point, int sequence, int position) {
            return sources.contains(point) || reader.reads(point, sequence, position);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            if (reader.wants(point)) {
                reader.at(point, activation);
            }
            if (!sources.contains(point)) {
                return;
            }
            List<float[]> rows = new ArrayList<>();
            for (int s = 0; s < activation.sequences(); s++) {
                rows.add(chosen(activation, s));
            }
            held.put(point, rows);
            for (DerivedSite site : sites) {
                if (site.sources().contains(point) && held.keySet().containsAll(site.sources())) {
                    for (int s = 0; s < rows.size(); s++) {
                        int sequence = s;
                        List<float[]> ofSources = site.sources().stream()
                                .map(source ->
                                        Objects.requireNonNull(held.get(source)).get(sequence))
                                .toList();
                        listener.derived(site, firstSequence + s, site.values(ofSources));
                    }
                }
            }
        }

        private float[] chosen(Activation activation, int sequence) {
            int width = activation.width();
            int[] positions = capture.positions(prompts, firstSequence + sequence);
            float[] rows = new float[positions.length * width];
            int to = 0;
            for (int row = activation.firstRow(sequence); row < activation.firstRow(sequence + 1); row++) {
                if (Arrays.binarySearch(positions, activation.position(row)) >= 0) {
                    System.arraycopy(activation.values(), row * width, rows, to * width, width);
                    to++;
                }
            }
            return rows;
        }
    }
}
