package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.MultiplyAdds;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The runs of the prompts that claims are tested on, and what experiments measure there. Every experiment recomputes
 * only what it changes. Not thread-safe.
 */
public final class Evidence {
    private final Experiment experiment;
    private final ReferenceRuns reference;
    private final @Nullable Path journals;
    private final SweepOptions.Progress progress;
    private final @Nullable ForcedEdits forced;
    private final LatentRuns latents;
    private MultiplyAdds work = MultiplyAdds.NONE;

    private Evidence(
            Experiment experiment,
            ReferenceRuns reference,
            @Nullable Path journals,
            SweepOptions.Progress progress,
            @Nullable ForcedEdits forced,
            LatentRuns latents) {
        this.experiment = experiment;
        this.reference = reference;
        this.journals = journals;
        this.progress = progress;
        this.forced = forced;
        this.latents = latents;
    }

    /**
     * Evidence of an experiment's pairs.
     *
     * @param reference of the same pairs
     * @throws BadInputException if it is of another number of pairs
     */
    public static Evidence of(Experiment experiment, ReferenceRuns reference) {
        if (reference.pairs() != experiment.pairs().size()) {
            throw new BadInputException("the reference prompts are for " + reference.pairs()
                    + " pairs, but the experiment has " + experiment.pairs().size());
        }
        return new Evidence(
                experiment, reference, null, (done, total) -> {}, null, new LatentRuns(experiment.runs(), Map.of()));
    }

    /**
     * The same evidence, each of whose experiments keeps its measurements in a file of its own as they come: asked for
     * again, after whatever stopped it, an experiment goes on from there.
     *
     * @param folder for the files, which is there; they may be deleted once the results are safe
     */
    public Evidence journalled(Path folder) {
        return new Evidence(experiment, reference, folder, progress, forced, latents);
    }

    /** The same evidence, whose experiments tell how far they are. */
    public Evidence progress(SweepOptions.Progress newProgress) {
        return new Evidence(experiment, reference, journals, newProgress, forced, latents);
    }

    /** What {@link Treatment.ForceTo} is in a pair's run. */
    @FunctionalInterface
    public interface ForcedEdits {
        /** The edits of the runs of some evidence. */
        PairEdits of(Evidence evidence, Treatment.ForceTo force, List<ClaimComponent> components);
    }

    /** The same evidence, in which components are forced to values taken from the discovery half. */
    public Evidence forcedBy(ForcedEdits edits) {
        return new Evidence(experiment, reference, journals, progress, edits, latents);
    }

    /**
     * The same evidence, whose experiments may treat latents of autoencoders.
     *
     * @param autoencoders each at a site of the model, by the names that components have for them
     * @throws BadInputException if one is of more than one slot of the pass at a time
     */
    public Evidence autoencoders(Map<String, Attachment> autoencoders) {
        // Refuses what cannot be one edit of a pass.
        autoencoders.values().forEach(attachment -> Splice.of(attachment).intervention());
        return new Evidence(
                experiment,
                reference,
                journals,
                progress,
                forced,
                new LatentRuns(experiment.runs(), Map.copyOf(autoencoders)));
    }

    /** The autoencoders whose latents can be treated, by name. */
    public Map<String, Attachment> autoencoders() {
        return latents.autoencoders();
    }

    /**
     * A latent's value in a pair's run as it is.
     *
     * @throws BadInputException if there is no such autoencoder, latent, pair or position
     */
    public float latentValue(Side side, LatentComponent latent, int pair, int position) {
        requireLatent(latent);
        BadInputException.requireIndex("pair", pair, experiment.pairs().size());
        BadInputException.requireIndex(
                "position", position, experiment.pairs().get(pair).length());
        return latents.value(side, latent, pair, position);
    }

    /**
     * The latents of an autoencoder that fire at some token of the clean runs, in order.
     *
     * @throws BadInputException if there is no such autoencoder
     */
    public List<Integer> firing(String autoencoder) {
        return latents.firing(autoencoder);
    }

    /** New values of latents in a pair's run. */
    @FunctionalInterface
    public interface LatentValue {
        /** The value of a latent at a position; NaN where it stays. */
        float of(LatentComponent latent, int position);
    }

    /**
     * The edits of a pair's run that give latents other values, and change nothing that the autoencoder misses.
     *
     * @param components latents, perhaps at a role; others are passed over
     * @throws BadInputException if there is no such autoencoder, latent or pair, or the pair lacks a role
     */
    public List<Intervention> latentEdits(List<ClaimComponent> components, int pair, LatentValue values) {
        BadInputException.requireIndex("pair", pair, experiment.pairs().size());
        components.forEach(this::requireThere);
        return latents.edits(components, pair, values);
    }

    private void requireThere(ClaimComponent component) {
        component.requireIn(experiment.config());
        if (component instanceof LatentComponent latent) {
            requireLatent(latent);
        } else if (component instanceof ComponentAt at && at.component() instanceof LatentComponent latent) {
            requireLatent(latent);
        }
    }

    private void requireLatent(LatentComponent latent) {
        latent.requireIn(latents.attachment(latent.autoencoder()).autoencoder());
    }

    /** The work of all experiments so far, of those that journals held too. */
    public MultiplyAdds work() {
        return work;
    }

    public Experiment experiment() {
        return experiment;
    }

    /** The metric of the clean runs, by pair. */
    public double[] clean() {
        return experiment.baselines().clean().clone();
    }

    /** The metric of the clean runs with every candidate replaced, by pair. */
    public double[] empty(Replacement replacement, Candidates candidates) {
        return run(new Treatment.AblateComponents(replacement), all(candidates));
    }

    /** The mean metric of the whole model less that with every candidate replaced. */
    public double gap(Replacement replacement, Candidates candidates) {
        double[] empty = empty(replacement, candidates);
        double[] clean = experiment.baselines().clean();
        double sum = 0;
        for (int pair = 0; pair < clean.length; pair++) {
            sum += clean[pair] - empty[pair];
        }
        return sum / clean.length;
    }

    /** Every candidate, in the order of a pass. */
    public List<ClaimComponent> all(Candidates candidates) {
        Gpt2Config config = experiment.config();
        List<ClaimComponent> all = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (int head = 0; head < config.nHeads(); head++) {
                all.add(new HeadComponent(layer, head));
            }
            if (candidates == Candidates.HEADS_AND_MLPS) {
                all.add(new MlpComponent(layer));
            }
        }
        return all;
    }

    /** The edits of one side's run of a pair. */
    @FunctionalInterface
    public interface PairEdits {
        /** The edits of a pair's run; none where it stays as it is. */
        List<Intervention> of(int pair);
    }

    /**
     * The metric of the treated runs, by pair; of {@link Treatment.Attend} the components' mean attention.
     *
     * @throws BadInputException if the model or a pair lacks what is treated
     */
    public double[] run(Treatment treatment, List<ClaimComponent> components) {
        return runEach(treatment, List.of(components))[0];
    }

    /**
     * The same of several sets of components, each treated by itself.
     *
     * @return {@code [sets][pairs]}
     * @throws BadInputException if there is no set, or the model or a pair lacks what is treated
     */
    public double[][] runEach(Treatment treatment, List<List<ClaimComponent>> sets) {
        sets.forEach(set -> set.forEach(this::requireThere));
        return switch (treatment) {
            case Treatment.PatchPath path -> paths(path, sets);
            case Treatment.Attend attend ->
                sets.stream().map(set -> attention(attend, set)).toArray(double[][]::new);
            default ->
                edited(treatment.words(sets.toString()), treatment.base(), each(sets, set -> edits(treatment, set)));
        };
    }

    /**
     * The metric of one side's runs under edits of one's own.
     *
     * @param words that tell these edits from all others of the evidence
     * @param edits one or more ways to edit every pair's run
     * @return {@code [ways][pairs]}
     * @throws BadInputException if there is no edit, or one does not fit
     */
    public double[][] edited(String words, Side side, List<PairEdits> edits) {
        List<String> names =
                IntStream.range(0, edits.size()).mapToObj(Integer::toString).toList();
        return values(sweep(new TreatmentSweep(experiment.runs(), side, words, names, edits)));
    }

    private static double[][] values(ResultTable table) {
        double[][] values = new double[table.cells()][];
        Arrays.setAll(values, table::values);
        return values;
    }

    /**
     * The edits that a treatment is.
     *
     * @throws BadInputException of a path, which takes more than one run, of {@link Treatment.Attend}, which is none,
     *     and of {@link Treatment.ForceTo} where nothing was set to force by
     */
    public PairEdits edits(Treatment treatment, List<ClaimComponent> components) {
        return switch (treatment) {
            case Treatment.AblateComponents(Replacement replacement) -> pair -> replace(components, pair, replacement);
            case Treatment.KeepOnly(Replacement replacement, Candidates of) -> {
                List<ClaimComponent> others = new ArrayList<>(all(of));
                others.removeAll(components);
                yield pair -> replace(others, pair, replacement);
            }
            case Treatment.PatchComponents(PatchingDirection direction) ->
                pair -> with(
                        targets(components, pair).stream()
                                .map(target -> Intervention.patch(
                                        target, experiment.runs().recorded(direction.source(), target.site())))
                                .toList(),
                        latents.edits(
                                components,
                                pair,
                                (latent, position) -> latents.value(direction.source(), latent, pair, position)));
            case Treatment.LookAt look ->
                pair -> components.stream()
                        .flatMap(component ->
                                lookAt(
                                        look,
                                        (HeadComponent) component,
                                        experiment.pairs().get(pair))
                                        .stream())
                        .toList();
            case Treatment.ForceTo force -> {
                if (forced == null) {
                    throw new BadInputException("there are no values of a discovery half to force components to");
                }
                yield forced.of(this, force, components);
            }
            case Treatment.Intervene(Interventions edits, Side into) -> pair -> edits.list();
            case Treatment.PatchPath path -> throw new BadInputException("a path is not one edit of a run");
            case Treatment.Attend attend -> throw new BadInputException("attending edits nothing");
        };
    }

    private static List<PairEdits> each(
            List<List<ClaimComponent>> sets, Function<List<ClaimComponent>, PairEdits> edits) {
        return sets.stream().map(edits).toList();
    }

    /** What a claim's experiment gives. */
    public ClaimMeasurement measure(Claim claim) {
        double[] after = run(claim.treatment(), claim.components());
        double[] before = experiment.baselines().of(claim.treatment().base());
        double[] floor = switch (claim.expectation()) {
            case Expectation.FaithfulnessAtLeast f
            when claim.treatment() instanceof Treatment.KeepOnly keep -> empty(keep.replacement(), keep.of());
            case Expectation.ShareOfPathAtLeast s
            when claim.treatment() instanceof Treatment.PatchPath path ->
                run(new Treatment.PatchComponents(path.direction()), claim.components());
            default -> before;
        };
        return new ClaimMeasurement(claim, before.clone(), after, floor.clone());
    }

    /**
     * The metric with some components replaced, and each of others besides.
     *
     * @return {@code [others][pairs]}
     */
    public double[][] withoutEach(List<ClaimComponent> replaced, List<ClaimComponent> others, Replacement replacement) {
        return edited(
                "replacing " + replaced + " and one more of " + others + " (" + replacement + ")",
                Side.CLEAN,
                others.stream()
                        .<PairEdits>map(other -> pair -> replace(
                                Stream.concat(replaced.stream(), Stream.of(other))
                                        .toList(),
                                pair,
                                replacement))
                        .toList());
    }

    /** The edit that replaces values in a pair's run, as the reference prompts have them. */
    public Intervention replacement(Target target, int pair, Replacement replacement) {
        return reference.replace(target, pair, replacement);
    }

    private ResultTable sweep(Sweep sweep) {
        SweepOptions options = SweepOptions.none().progress(progress);
        if (journals != null) {
            String name = Digests.sha256((sweep.key() + sweep.axes() + sweep.base()).getBytes(StandardCharsets.UTF_8));
            options = options.journal(journals.resolve(name.substring(0, 32) + ".cells"));
        }
        SweepResult result = experiment.sweep(sweep, options);
        work = work.plus(result.work());
        return result.table();
    }

    private List<Intervention> replace(List<ClaimComponent> components, int pair, Replacement replacement) {
        return with(
                targets(components, pair).stream()
                        .map(target -> reference.replace(target, pair, replacement))
                        .toList(),
                latents.edits(
                        components,
                        pair,
                        (latent, position) -> reference.latent(
                                latents.attachment(latent.autoencoder()),
                                latent.latent(),
                                pair,
                                position,
                                replacement)));
    }

    private static List<Intervention> with(List<Intervention> edits, List<Intervention> more) {
        return more.isEmpty()
                ? edits
                : Stream.concat(edits.stream(), more.stream()).toList();
    }

    private List<Target> targets(List<ClaimComponent> components, int pair) {
        PromptPair prompts = experiment.pairs().get(pair);
        return components.stream()
                .filter(component -> !LatentRuns.isLatent(component))
                .map(component -> component.target(prompts))
                .toList();
    }

    private double[][] paths(Treatment.PatchPath path, List<List<ClaimComponent>> sets) {
        Map<String, PathPatching.Paths> named = new LinkedHashMap<>();
        sets.forEach(set -> named.put("path " + named.size(), toPaths(path, set)));
        return values(sweep(PathPatching.paths(experiment.config(), path.direction(), named)));
    }

    private PathPatching.Paths toPaths(Treatment.PatchPath path, List<ClaimComponent> components) {
        Set<Node> senders = components.stream()
                .map(component -> switch (component) {
                    case HeadComponent head -> new Node.Head(head.layer(), head.head());
                    case MlpComponent mlp -> new Node.Mlp(mlp.layer());
                    default -> throw new BadInputException("a path begins at heads and MLPs, found " + component);
                })
                .collect(Collectors.toSet());
        Set<Receiver> receivers = path.to().stream()
                .map(name -> Receiver.parse(experiment.config(), name))
                .collect(Collectors.toSet());
        return new PathPatching.Paths(senders, receivers, Set.of());
    }

    /** Sets a row of a head's pattern to one at a key and zero at the others. */
    private static List<Intervention> lookAt(Treatment.LookAt look, HeadComponent head, PromptPair prompts) {
        int query = prompts.position(look.from());
        int key = key(query, look.at(), prompts);
        Target row = Target.of(Site.PATTERN, head.layer()).heads(head.head()).positions(query);
        int[] others =
                IntStream.rangeClosed(0, query).filter(other -> other != key).toArray();
        Intervention one = Intervention.set(row.components(key), 1);
        return others.length == 0 ? List.of(one) : List.of(one, Intervention.zero(row.components(others)));
    }

    private static int key(int query, String role, PromptPair prompts) {
        int key = prompts.position(role);
        if (key > query) {
            throw new BadInputException(prompts.name() + ": the role " + role + " is at position " + key
                    + ", behind the query at " + query + ", which does not see it");
        }
        return key;
    }

    private double[] attention(Treatment.Attend attend, List<ClaimComponent> components) {
        ActivationSource patterns = experiment.runs().recorded(Side.CLEAN, Site.PATTERN);
        double[] means = new double[experiment.pairs().size()];
        for (int pair = 0; pair < means.length; pair++) {
            PromptPair prompts = experiment.pairs().get(pair);
            int query = prompts.position(attend.from());
            int key = key(query, attend.at(), prompts);
            float[] row = new float[query + 1];
            double sum = 0;
            for (ClaimComponent component : components) {
                HeadComponent head = (HeadComponent) component;
                patterns.read(new Slot(HookPoint.of(Site.PATTERN, head.layer()), pair, query, head.head()), row);
                sum += row[key];
            }
            means[pair] = sum / components.size();
        }
        return means;
    }

    @Override
    public String toString() {
        return "evidence of " + experiment;
    }
}
