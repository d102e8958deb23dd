package dev.hyaline.engine.tornado;

import static dev.hyaline.engine.tornado.Closeness.requireClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Declaration;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.hook.Hook;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.json.InterventionJson;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.instrument.run.InterventionProbe;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Interventions on the first device there is, against the same on the processors and against TransformerLens. */
@Tag("device")
final class DeviceEditTest {
    private static final Path CHECKPOINTS = Path.of("../../weights-loader/src/test/resources/golden");
    private static final Path EDITS = Path.of("../../instrument/src/test/resources/interventions");

    private static final Checkpoint FABLE = Checkpoint.builtIn("fable");
    private static final Gpt2 PROCESSORS = Gpt2.of(FABLE.weights(), 1);
    private static final Gpt2 DEVICE =
            Gpt2.of(FABLE.weights(), Device.available().getFirst());
    private static final int LAYER = 1;
    private static final Prompts PROMPTS = Prompts.of(FABLE.config(), tokens(18, 3), tokens(4, 5), tokens(33, 7));
    private static final ActivationSource OTHER = ActivationCache.record(
                    PROCESSORS,
                    Prompts.of(FABLE.config(), tokens(18, 11), tokens(4, 13), tokens(33, 17)),
                    Capture.of(HookPoint.all(FABLE.config())))
            .source();

    @AfterAll
    static void close() {
        DEVICE.close();
        PROCESSORS.close();
        FABLE.close();
    }

    /** Interventions, and what they leave at their point. */
    private static final class Watched implements Probe {
        private final InterventionProbe interventions;
        private float[] left;
        private int hostEdits;

        Watched(Intervention intervention, HookPoint point) {
            interventions = InterventionProbe.of(Interventions.of(intervention), FABLE.config(), PROMPTS)
                    .then(new Probe() {
                        @Override
                        public boolean wants(HookPoint wanted) {
                            return wanted.equals(point);
                        }

                        @Override
                        public void at(HookPoint at, Activation activation) {
                            left = Arrays.copyOf(activation.values(), activation.offset(activation.sequences()));
                        }
                    });
        }

        @Override
        public boolean wants(HookPoint wanted) {
            return interventions.wants(wanted);
        }

        @Override
        public boolean reads(HookPoint at, int sequence, int position) {
            return interventions.reads(at, sequence, position);
        }

        @Override
        public void at(HookPoint at, Activation activation) {
            hostEdits++;
            interventions.at(at, activation);
        }

        @Override
        public Optional<Declaration> declared(HookPoint at, Activation rows) {
            return interventions.declared(at, rows);
        }
    }

    /** Every kind of intervention on every part of a site that has it; some heads, positions and prompts. */
    private static Map<String, Intervention> interventions(Site site) {
        Target all = site.perLayer() ? Target.of(site, LAYER) : Target.of(site);
        boolean heads = site.shape().byHead();
        boolean map = site.shape() == Site.Shape.ATTENTION;
        int width = site.shape().width(FABLE.config()) / (heads ? FABLE.config().nHeads() : 1);
        Target target = heads ? all.heads(0, 2) : all;
        Target some = target.positions(1, -1).sequences(0, 2);
        Map<String, Intervention> kinds = new LinkedHashMap<>();
        if (site.shape() != Site.Shape.SCALE) { // no value is divided by zero
            kinds.put("zero", Intervention.zero(some));
            kinds.put("zero everywhere", Intervention.zero(all));
        }
        if (site != Site.POS_EMBED) { // which is the same in every run
            kinds.put("mean by position", Intervention.mean(target, Means.byPosition(OTHER)));
            kinds.put("resample", Intervention.resample(some, OTHER, 3));
            kinds.put("patch", Intervention.patch(target, OTHER));
        }
        kinds.put("set one value", Intervention.set(some.components(0), 0.5f));
        kinds.put("add one value", Intervention.add(some, 0.3f, 1));
        kinds.put("scale", Intervention.scale(target, 0.25f));
        kinds.put("noise", Intervention.noise(some, 0.2f, 7));
        if (heads && site.compareTo(Site.V_INPUT) > 0) { // before, heads read the same
            kinds.put("swap", Intervention.swapHeads(all.positions(2, 3), 1, 3));
        }
        if (!map) {
            kinds.put("mean", Intervention.mean(some, Means.overall(OTHER)));
            kinds.put("set", Intervention.set(some, ramp(width)));
            kinds.put("add", Intervention.add(target, 0.7f, ramp(width)));
            if (width > 3) {
                kinds.put("add in components", Intervention.add(target.components(0, 2), 2, 0.5f, -0.5f));
                List<Direction> plane = List.of(Direction.of(ramp(width)), Direction.of(unit(width)));
                kinds.put("project out", new Intervention.ProjectOut(target, plane));
                kinds.put("add in a subspace", Intervention.add(some.subspace(plane), 1, unit(width)));
                if (site != Site.POS_EMBED) {
                    kinds.put("patch a subspace", Intervention.patch(some.subspace(plane), OTHER));
                }
                kinds.put("scale a subspace", Intervention.scale(some.subspace(plane), -1));
            }
        }
        return kinds;
    }

    @ParameterizedTest
    @EnumSource(Site.class)
    void everyInterventionHasTheSameEffectWithoutACut(Site site) {
        HookPoint point = site.perLayer() ? HookPoint.of(site, LAYER) : HookPoint.of(site);
        interventions(site).forEach((name, intervention) -> {
            String what = name + " at " + point;
            Watched onProcessors = new Watched(intervention, point);
            Watched onDevice = new Watched(intervention, point);
            float[] expected = logits(PROCESSORS, onProcessors);
            requireClose(what, logits(DEVICE, onDevice), expected);
            requireClose("what is left by " + what, onDevice.left, onProcessors.left);
            assertThat(expected).as(what).isNotEqualTo(logits(PROCESSORS, Probe.NONE));
            // Logits are on the host anyway.
            assertThat(onDevice.hostEdits).as(what).isEqualTo(site == Site.UNEMBED_OUT ? 1 : 0);
            onDevice.interventions.requireAllFired();
        });
    }

    @Test
    void functionsRunOnTheHostAtACut() {
        HookPoint point = HookPoint.of(Site.Z, LAYER);
        Intervention function = Intervention.function(
                Target.of(point).heads(1).positions(2), (place, values) -> values[0] = values[0] * values[0] + 1);
        Watched onDevice = new Watched(function, point);
        Watched onProcessors = new Watched(function, point);
        requireClose("a function", logits(DEVICE, onDevice), logits(PROCESSORS, onProcessors));
        assertThat(onDevice.hostEdits).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(
            value = Site.class,
            names = {"RESID_PRE", "Q_INPUT", "K", "PATTERN", "Z", "ATTN_OUT", "MLP_POST", "UNEMBED_OUT"})
    void aHookReadsAndEditsAsOnProcessors(Site site) {
        HookPoint point = site.perLayer() ? HookPoint.of(site, LAYER) : HookPoint.of(site);
        List<float[]> readOnProcessors = new ArrayList<>();
        List<float[]> readOnDevice = new ArrayList<>();
        float[] expected = hooks(point, readOnProcessors)
                .forward(PROCESSORS, PROMPTS, LogitSelection.all())
                .logits();
        float[] found = hooks(point, readOnDevice)
                .forward(DEVICE, PROMPTS, LogitSelection.all())
                .logits();
        requireClose("a hook at " + point, found, expected);
        assertThat(expected).isNotEqualTo(logits(PROCESSORS, Probe.NONE));
        requireClose("what hooks read at " + point, joined(readOnDevice), joined(readOnProcessors));
    }

    /** Reads a point and the one after the layer, and in between changes some of its rows. */
    private static Hooks hooks(HookPoint point, List<float[]> read) {
        Hook reading = Hook.reading(point, view -> view.rows().forEach(row -> read.add(row.toArray())));
        Hook editing = Hook.editing(
                point,
                view -> view.rows().forEach(row -> {
                    if (row.position() % 3 == 1) {
                        row.scale(0.5f);
                        row.set(0, row.get(0) + 0.25f * row.sequence());
                    }
                }));
        Hook after = Hook.reading(
                HookPoint.of(Site.RESID_POST, LAYER),
                view -> read.add(view.row(2, -1).toArray()));
        return Hooks.of(reading, editing, reading, after);
    }

    private static float[] joined(List<float[]> rows) {
        float[] all = new float[rows.stream().mapToInt(row -> row.length).sum()];
        int at = 0;
        for (float[] row : rows) {
            System.arraycopy(row, 0, all, at, row.length);
            at += row.length;
        }
        return all;
    }

    @Test
    void severalAtOnePointActInOrder() {
        Target z = Target.of(Site.Z, LAYER).heads(1);
        Interventions both = Interventions.of(Intervention.add(z, 1, 1), Intervention.scale(z, 3))
                .inOrder();
        requireClose(
                "in order",
                EditedModel.of(DEVICE, both)
                        .forward(PROMPTS, LogitSelection.all())
                        .logits(),
                EditedModel.of(PROCESSORS, both)
                        .forward(PROMPTS, LogitSelection.all())
                        .logits());
    }

    /** What all three read is edited before what each of them reads. */
    @Test
    void whatHeadsReadIsEditedTogetherAndApart() {
        List<Intervention> edits = new ArrayList<>();
        float factor = 0.5f;
        for (Site site : List.of(Site.ATTN_IN, Site.Q_INPUT, Site.V_INPUT)) {
            factor += 0.25f;
            edits.add(Intervention.add(
                    Target.of(site, LAYER).heads(0, 3),
                    factor,
                    ramp(FABLE.config().dModel())));
        }
        edits.add(Intervention.function(
                Target.of(Site.K_INPUT, LAYER).heads(2), (place, values) -> values[3] += place.position()));
        Interventions together = Interventions.of(edits);
        requireClose(
                "what heads read",
                EditedModel.of(DEVICE, together)
                        .forward(PROMPTS, LogitSelection.all())
                        .logits(),
                EditedModel.of(PROCESSORS, together)
                        .forward(PROMPTS, LogitSelection.all())
                        .logits());
    }

    @Test
    void editsOfManyPlacesAreMadeInParts() {
        // More values than are staged at once: 60 prompts of 16 tokens, each with an addend of its own.
        int[][] tokens = IntStream.range(0, 60).mapToObj(i -> tokens(16, i + 2)).toArray(int[][]::new);
        Prompts many = Prompts.of(FABLE.config(), tokens);
        Interventions noise = Interventions.of(Intervention.noise(Target.of(Site.RESID_PRE, 2), 0.5f, 11));
        requireClose(
                "many",
                EditedModel.of(DEVICE, noise)
                        .forward(many, LogitSelection.last())
                        .logits(),
                EditedModel.of(PROCESSORS, noise)
                        .forward(many, LogitSelection.last())
                        .logits());
    }

    @Test
    void editedRunsAreResumedAndContinued() {
        SequenceEdit edit = SequenceEdit.of(
                0,
                Intervention.scale(Target.of(Site.MLP_OUT, 2).positions(7), -1),
                Intervention.zero(Target.of(Site.Z, 3).heads(1)));
        float[] expected = BaseRun.record(PROCESSORS, PROMPTS)
                .rerun(List.of(edit))
                .results()
                .getFirst()
                .logits();
        float[] found = BaseRun.record(DEVICE, PROMPTS)
                .rerun(List.of(edit))
                .results()
                .getFirst()
                .logits();
        requireClose("resumed", found, expected);

        Interventions steering = Interventions.of(Intervention.add(
                Target.of(Site.RESID_POST, 1), 4, unit(FABLE.config().dModel())));
        List<int[]> text = EditedModel.of(PROCESSORS, steering)
                .generate(Generator.of(PROCESSORS).maxNewTokens(12), PROMPTS, (s, token) -> {});
        assertThat(EditedModel.of(DEVICE, steering)
                        .generate(Generator.of(DEVICE).maxNewTokens(12), PROMPTS, (s, token) -> {}))
                .containsExactlyElementsOf(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-odd", "tiny-variant"})
    void editsAreThoseOfTransformerLens(String name) throws IOException {
        Golden golden = Golden.read(EDITS.resolve(name + ".safetensors"));
        JsonNode cases = JsonMapper.shared().readTree(Files.readString(EDITS.resolve(name + ".json")));
        int[][] tokens = golden.tokens();
        try (Checkpoint checkpoint = Checkpoint.open(CHECKPOINTS.resolve(name));
                Gpt2 device = Gpt2.of(checkpoint.weights(), Device.available().getFirst())) {
            ActivationSource other = ActivationCache.record(
                            device, Prompts.of(device.config(), tokens[1]), Capture.of(HookPoint.all(device.config())))
                    .source();
            Prompts edited = Prompts.of(device.config(), tokens[0]);
            int length = tokens[0].length;
            for (int i = 0; i < cases.size(); i++) {
                String json = cases.get(i).path("interventions").toString();
                float[] found = EditedModel.of(device, InterventionJson.parse(json, Map.of("other", other)))
                        .forward(edited, LogitSelection.rows(length - 2, length - 1))
                        .logits();
                requireClose(json, found, golden.floats("logits." + i));
            }
        }
    }

    private static float[] logits(Gpt2 model, Probe probe) {
        List<Sequence> batch = IntStream.range(0, PROMPTS.size())
                .mapToObj(s -> Sequence.of(PROMPTS.tokens(s)))
                .toList();
        return model.forward(ForwardRequest.of(batch).probe(probe)).logits();
    }

    private static int[] tokens(int length, int stride) {
        return IntStream.rangeClosed(1, length).map(i -> i * stride % 97).toArray();
    }

    private static float[] ramp(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (i % 7 - 3) / 4;
        }
        return values;
    }

    private static float[] unit(int n) {
        float[] values = new float[n];
        values[n / 2] = 1;
        return values;
    }
}
