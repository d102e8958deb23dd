package dev.hyaline.instrument.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Declaration;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.DeclaredEdit.Affine;
import dev.hyaline.engine.site.DeclaredEdit.HeadSwap;
import dev.hyaline.engine.site.DeclaredEdit.Selection;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** What interventions declare is what they do; here it is done by the letter of {@link DeclaredEdit}. */
class DeclaredEditsTest {
    /** Does at a point what is declared there, as a device would. */
    private static final class Obedient implements Probe {
        private final InterventionProbe declaring;
        private final int heads;
        private boolean declared;

        Obedient(InterventionProbe declaring, int heads) {
            this.declaring = declaring;
            this.heads = heads;
        }

        @Override
        public boolean wants(HookPoint point) {
            return declaring.wants(point);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            Optional<Declaration> declaration =
                    point.site() == Site.UNEMBED_OUT ? Optional.empty() : declaring.declared(point, activation);
            if (declaration.isEmpty()) {
                declaring.at(point, activation);
                return;
            }
            declared = true;
            declaration.get().edits().forEach(edit -> make(edit, point.site(), activation));
        }

        private void make(DeclaredEdit edit, Site site, Activation activation) {
            Selection where = edit.where();
            int place = 0;
            for (int position : where.positions()) {
                switch (edit) {
                    case Affine affine -> {
                        for (int head : where.heads()) {
                            change(
                                    affine,
                                    place++,
                                    at(where, site, activation, position, head),
                                    width(site, activation, position),
                                    activation);
                        }
                    }
                    case HeadSwap swap -> {
                        int one = at(where, site, activation, position, where.heads()[0]);
                        int other = at(where, site, activation, position, where.heads()[1]);
                        for (int column : columns(where, width(site, activation, position))) {
                            float value = activation.values()[one + column];
                            activation.values()[one + column] = activation.values()[other + column];
                            activation.values()[other + column] = value;
                        }
                    }
                }
            }
        }

        private void change(Affine edit, int place, int at, int width, Activation activation) {
            double[] change = new double[width];
            for (int column : columns(edit.where(), width)) {
                float before = activation.values()[at + column];
                float after = edit.factor() == 0 ? 0 : edit.factor() * before;
                if (!edit.addends().isEmpty()) {
                    after += edit.addends().get(place)[column];
                }
                change[column] = (double) after - before;
                if (edit.directions().isEmpty()) {
                    activation.values()[at + column] = after;
                }
            }
            for (float[] direction : edit.directions()) {
                double along = 0;
                for (int e = 0; e < width; e++) {
                    along += change[e] * direction[e];
                }
                for (int e = 0; e < width; e++) {
                    activation.values()[at + e] += (float) (along * direction[e]);
                }
            }
        }

        private static int[] columns(Selection where, int width) {
            return where.columns().within(width);
        }

        private int width(Site site, Activation activation, int position) {
            return site.shape() == Site.Shape.ATTENTION
                    ? position + 1
                    : site.shape().byHead() ? activation.width() / heads : activation.width();
        }

        private int at(Selection where, Site site, Activation activation, int position, int head) {
            int s = where.sequence();
            int row = position - activation.position(activation.firstRow(s));
            if (site.shape() == Site.Shape.ATTENTION) {
                int rows = activation.firstRow(s + 1) - activation.firstRow(s);
                return activation.offset(s) + (head * rows + row) * activation.keys(s);
            }
            return activation.offset(s) + row * activation.width() + head * width(site, activation, position);
        }
    }

    private static InterventionProbe probe(RandomEdits some, SequenceEdit edit) {
        int s = edit.sequence();
        int length = some.prompts().length(s);
        List<BoundEdit> edits = BoundEdits.bind(
                edit.interventions(), some.config(), some.prompts().size(), s, length, length);
        return InterventionProbe.builder().add(0, edits).build();
    }

    @Property(tries = 100)
    void whatIsDeclaredIsWhatIsDone(@ForAll long seed) {
        RandomEdits some = new RandomEdits(seed);
        try (Gpt2 model = some.model(1)) {
            some.record(model);
            for (int i = 0; i < 12; i++) {
                SequenceEdit edit = some.edit();
                Sequence text = Sequence.of(some.prompts().tokens(edit.sequence()));
                Obedient obedient =
                        new Obedient(probe(some, edit), some.config().nHeads());
                float[] found =
                        model.forward(ForwardRequest.of(text).probe(obedient)).logits();
                float[] expected = model.forward(ForwardRequest.of(text).probe(probe(some, edit)))
                        .logits();
                assertThat(found).hasSameSizeAs(expected);
                for (int j = 0; j < found.length; j++) {
                    if (Float.isFinite(expected[j])) {
                        assertThat(found[j])
                                .as(edit.interventions().describe().toString())
                                .isCloseTo(expected[j], within(1e-3f * Math.max(1, Math.abs(expected[j]))));
                    } else {
                        assertThat(Float.isFinite(found[j])).isFalse();
                    }
                }
                obedient.declaring.requireAllFired();
            }
        }
    }

    @Test
    void nothingTimesZeroIsForgotten() {
        // As at seed 3657209322388526621 above: a scale of 0 leaves no number, and 0 times that is none either.
        Interventions edits = Interventions.of(
                Intervention.zero(Target.of(Site.LN_FINAL_SCALE)),
                Intervention.scale(Target.of(Site.LN_FINAL_NORMALIZED), 0));
        Prompts prompts = Models.prompts(3);
        List<BoundEdit> placements = BoundEdits.bind(edits, Models.CONFIG, 1, 0, 3, 3);
        try (Gpt2 model = Models.small()) {
            Sequence text = Sequence.of(prompts.tokens(0));
            InterventionProbe done =
                    InterventionProbe.builder().add(0, placements).build();
            InterventionProbe declared =
                    InterventionProbe.builder().add(0, placements).build();
            assertThat(model.forward(ForwardRequest.of(text).probe(done)).logits())
                    .containsOnly(Float.NaN);
            assertThat(model.forward(ForwardRequest.of(text).probe(new Obedient(declared, Models.CONFIG.nHeads())))
                            .logits())
                    .containsOnly(Float.NaN);
        }
    }

    @Test
    void onlyFunctionsAndPartsOfProjectionsAreNotDeclared() {
        Target target = Target.of(Site.MLP_OUT, 1);
        float[] axis = new float[Models.CONFIG.dModel()];
        axis[3] = 2;
        Direction direction = Direction.of(axis);
        assertThat(isDeclared(Intervention.zero(target))).isTrue();
        assertThat(isDeclared(Intervention.projectOut(target, direction))).isTrue();
        assertThat(isDeclared(Intervention.scale(target.subspace(List.of(direction)), 2)))
                .isTrue();
        assertThat(isDeclared(Intervention.function(target, (slot, values) -> {})))
                .isFalse();
        assertThat(isDeclared(Intervention.projectOut(target.components(1), direction)))
                .isFalse();
        assertThat(isDeclared(Intervention.projectOut(target.subspace(List.of(direction)), direction)))
                .isFalse();
    }

    private static boolean isDeclared(Intervention intervention) {
        Prompts prompts = Models.prompts(3);
        List<BoundEdit> edits = BoundEdits.bind(Interventions.of(intervention), Models.CONFIG, 1, 0, 3, 3);
        try (Gpt2 model = Models.small()) {
            Obedient probe =
                    new Obedient(InterventionProbe.builder().add(0, edits).build(), Models.CONFIG.nHeads());
            model.forward(ForwardRequest.of(prompts.tokens(0))
                    .logits(LogitSelection.none())
                    .probe(probe));
            return probe.declared;
        }
    }
}
