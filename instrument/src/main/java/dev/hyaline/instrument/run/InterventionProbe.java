package dev.hyaline.instrument.run;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Declaration;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import dev.hyaline.instrument.internal.edit.DeclaredEdits;
import dev.hyaline.instrument.internal.edit.LiveSlots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Applies interventions in the passes it is given to, then shows what they left to a reader. For one thread at a time.
 */
public final class InterventionProbe implements Probe {
    /** An edit, and the index of its sequence in the pass. */
    private record Action(int index, BoundEdit edit) {}

    private final Map<HookPoint, List<Action>> actions;
    private final Probe reader;
    private final Set<BoundEdit> waiting;

    private InterventionProbe(Map<HookPoint, List<Action>> actions, Probe reader) {
        this.actions = actions;
        this.reader = reader;
        this.waiting = actions.values().stream()
                .flatMap(List::stream)
                .map(Action::edit)
                .collect(Collectors.toSet());
    }

    /**
     * Returns a probe that applies interventions in a pass whose sequences are the prompts, in their order.
     *
     * @throws BadInputException if an intervention does not fit the model or the prompts
     */
    public static InterventionProbe of(Interventions interventions, Gpt2Config config, Prompts prompts) {
        BoundEdits.requireSequences(interventions, prompts.size());
        return of(interventions, config, prompts, 0, prompts.size());
    }

    /**
     * As {@link #of(Interventions, Gpt2Config, Prompts)}, of a pass over some of the prompts.
     *
     * @param first index of the pass's first prompt
     * @param end index after its last
     */
    public static InterventionProbe of(
            Interventions interventions, Gpt2Config config, Prompts prompts, int first, int end) {
        Builder probe = builder();
        for (int s = first; s < end; s++) {
            int length = prompts.length(s);
            probe.add(s - first, BoundEdits.bind(interventions, config, prompts.size(), s, length, length));
        }
        return probe.build();
    }

    static Builder builder() {
        return new Builder();
    }

    static final class Builder {
        private final Map<HookPoint, List<Action>> actions = new TreeMap<>();

        /**
         * Adds edits.
         *
         * @param index of their sequence in the pass
         */
        Builder add(int index, List<BoundEdit> edits) {
            for (BoundEdit edit : edits) {
                actions.computeIfAbsent(edit.point(), point -> new ArrayList<>())
                        .add(new Action(index, edit));
            }
            return this;
        }

        InterventionProbe build() {
            return new InterventionProbe(actions, Probe.NONE);
        }
    }

    /** The same interventions, followed at each point by a reader. */
    public InterventionProbe then(Probe reader) {
        return new InterventionProbe(actions, reader);
    }

    @Override
    public boolean wants(HookPoint point) {
        return actions.containsKey(point) || reader.wants(point);
    }

    @Override
    public boolean reads(HookPoint point, int sequence, int position) {
        return actions.getOrDefault(point, List.of()).stream().anyMatch(action -> action.index == sequence)
                || (reader.wants(point) && reader.reads(point, sequence, position));
    }

    @Override
    public void at(HookPoint point, Activation activation) {
        for (Action action : actions.getOrDefault(point, List.of())) {
            if (action.edit.apply(new LiveSlots(point, activation, action.index))) {
                waiting.remove(action.edit);
            }
        }
        if (reader.wants(point)) {
            reader.at(point, activation);
        }
    }

    @Override
    public boolean pullBack(HookPoint point, Activation gradient) {
        List<Action> here = actions.getOrDefault(point, List.of());
        if (here.isEmpty()) {
            return reader.pullBack(point, gradient);
        }
        for (Action action : here.reversed()) {
            if (!action.edit.pullBack(new LiveSlots(point, gradient, action.index))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Optional<Declaration> declared(HookPoint point, Activation rows) {
        List<Action> here = actions.getOrDefault(point, List.of());
        if (here.stream().anyMatch(action -> !DeclaredEdits.isDeclarable(action.edit))) {
            return Optional.empty();
        }
        List<DeclaredEdit> edits = new ArrayList<>();
        for (Action action : here) {
            LiveSlots slots = new LiveSlots(point, rows, action.index);
            DeclaredEdits.of(action.edit, slots, action.index).ifPresent(edit -> {
                edits.add(edit);
                waiting.remove(action.edit);
            });
        }
        return Optional.of(new Declaration(edits, reader));
    }

    /**
     * Checks, after the last pass, that every intervention acted.
     *
     * @throws HyalineException if an intervention never acted
     */
    public void requireAllFired() {
        if (!waiting.isEmpty()) {
            throw new HyalineException("these never acted: "
                    + waiting.stream()
                            .map(edit -> edit.intervention().label() + " at " + edit.point() + " of sequence "
                                    + edit.sequence())
                            .collect(Collectors.toCollection(TreeSet::new)));
        }
    }
}
