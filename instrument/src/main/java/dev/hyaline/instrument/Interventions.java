package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.BadShapeException;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Remedy;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Interventions that act together in one pass, in the order given. They live in the call they are passed to. Two that
 * write a value in common are an error unless {@link #inOrder} says that the later acts on what the earlier left.
 * Immutable.
 */
public final class Interventions {
    private final List<Intervention> list;
    private final boolean inOrder;

    private Interventions(List<Intervention> list, boolean inOrder) {
        this.list = List.copyOf(list);
        this.inOrder = inOrder;
    }

    public static Interventions of(Intervention... interventions) {
        return of(List.of(interventions));
    }

    public static Interventions of(List<Intervention> interventions) {
        return new Interventions(interventions, false);
    }

    /** The same, with leave to write over each other: the later of two comes last. */
    public Interventions inOrder() {
        return new Interventions(list, true);
    }

    /** As {@link #fromJson(String, Map)}, where no run has a name. */
    public static Interventions fromJson(String json) {
        return fromJson(json, Map.of());
    }

    /**
     * Reads what {@link #toJson} writes. File names are relative to the current folder.
     *
     * @param sources runs that the JSON may take values from, by name
     * @throws BadInputException if it is not such JSON
     */
    public static Interventions fromJson(String json, Map<String, ActivationSource> sources) {
        return new InterventionReader(Path.of(""), sources).read(json);
    }

    /** As {@link #fromJson(String, Map)}, from a file, to whose folder file names are relative. */
    public static Interventions read(Path file, Map<String, ActivationSource> sources) {
        try {
            Path folder = file.toAbsolutePath().getParent();
            return new InterventionReader(folder, sources).read(Files.readString(file));
        } catch (IOException e) {
            throw FileException.reading(file, e);
        } catch (BadInputException e) {
            throw new BadInputException(file + ": " + e.getMessage());
        }
    }

    /**
     * These interventions as JSON. Values from a dump are written as its folder's name, those from elsewhere in full.
     *
     * @throws BadInputException if one is a Java function
     */
    public String toJson() {
        return InterventionWriter.write(this);
    }

    public List<Intervention> list() {
        return list;
    }

    public boolean isInOrder() {
        return inOrder;
    }

    /**
     * Runs whole prompts with these interventions.
     *
     * @param logits which to form; rows count through the prompts end to end
     * @throws BadInputException if an intervention does not fit the model or the prompts
     */
    public ForwardResult forward(Gpt2 model, Prompts prompts, LogitSelection logits) {
        return forward(model, prompts, logits, Probe.NONE);
    }

    /** As {@link #forward(Gpt2, Prompts, LogitSelection)}, with a reader that sees what they leave. */
    public ForwardResult forward(Gpt2 model, Prompts prompts, LogitSelection logits, Probe reader) {
        List<Sequence> batch = IntStream.range(0, prompts.size())
                .mapToObj(s -> Sequence.of(prompts.tokens(s)))
                .toList();
        InterventionProbe probe = probe(model.config(), prompts).then(reader);
        ForwardResult result =
                model.forward(ForwardRequest.of(batch).logits(logits).probe(probe));
        probe.requireAllFired();
        return result;
    }

    /**
     * What applies these interventions in a pass whose sequences are the prompts, in their order.
     *
     * @throws BadInputException if an intervention does not fit the model or the prompts
     */
    public InterventionProbe probe(Gpt2Config config, Prompts prompts) {
        InterventionProbe.Builder probe = InterventionProbe.builder();
        requireSequences(prompts);
        for (int s = 0; s < prompts.size(); s++) {
            int length = prompts.length(s);
            probe.add(s, place(config, prompts.size(), s, length, length));
        }
        return probe.build();
    }

    /**
     * Continues prompts with these interventions in every pass. Positions are absolute and go on through what is
     * generated; negative ones count from the end of the prompt. What takes its values from the same positions of
     * another run acts in the prompt alone unless positions are chosen. Each step equals a full pass over the text so
     * far with the same interventions, bit for bit.
     *
     * @param listener is told each token as soon as it is drawn
     * @return the new tokens of each prompt
     * @throws BadInputException if an intervention does not fit the model or the prompts, or is at a position that the
     *     text cannot reach
     */
    public List<int[]> generate(Generator generator, Prompts prompts, Generator.TokenListener listener) {
        requireSequences(prompts);
        List<List<BoundEdit>> placements = IntStream.range(0, prompts.size())
                .mapToObj(s -> EditedGeneration.placements(this, generator, prompts, s))
                .toList();
        List<int[]> tokens =
                IntStream.range(0, prompts.size()).mapToObj(prompts::tokens).toList();
        return EditedGeneration.edited(generator, placements).generate(tokens, listener);
    }

    /** A choice of sequences that the prompts do not have is found even where no prompt is chosen. */
    private void requireSequences(Prompts prompts) {
        for (Intervention intervention : list) {
            named(intervention, () -> intervention.target().sequences().in(prompts.size(), "sequence"));
        }
    }

    /** Those that act on one of several sequences. */
    public Interventions on(int sequence, int sequences) {
        return new Interventions(
                list.stream()
                        .filter(intervention -> chooses(intervention.target(), sequences, sequence))
                        .toList(),
                inOrder);
    }

    /**
     * What there is to do in one sequence, in the order in which a pass reaches it.
     *
     * @param sequences of the run
     * @param length where negative positions count from
     * @param bound positions that can be reached
     */
    List<BoundEdit> place(Gpt2Config config, int sequences, int sequence, int length, int bound) {
        List<BoundEdit> placements = new ArrayList<>();
        for (Intervention intervention : list) {
            int reached = takesFromPositions(intervention) ? length : bound;
            named(intervention, () -> place(intervention, config, sequences, sequence, length, reached, placements));
        }
        placements.sort(Comparator.comparing(BoundEdit::point)); // stable: the order given decides at one point
        if (!inOrder) {
            requireApart(placements);
        }
        return placements;
    }

    /**
     * What there is to do in a sequence of a run.
     *
     * @throws BadInputException if an intervention leaves the sequence out
     */
    List<BoundEdit> placeAll(BaseRun run, int sequence) {
        requireActsOn(sequence, run.sequences());
        int length = run.length(sequence);
        return place(run.config(), run.sequences(), sequence, length, length);
    }

    void requireActsOn(int sequence, int sequences) {
        for (Intervention intervention : list) {
            named(intervention, () -> {
                if (!chooses(intervention.target(), sequences, sequence)) {
                    throw new BadInputException("it leaves out sequence " + sequence + ", which it is to edit");
                }
            });
        }
    }

    private static boolean chooses(Target target, int sequences, int sequence) {
        return target.sequences().contains(sequence, sequences);
    }

    /** Another run has no values for what is only now generated; "everywhere" means the prompt then. */
    private static boolean takesFromPositions(Intervention intervention) {
        boolean taken = switch (intervention) {
            case Intervention.Patch patch -> true;
            case Intervention.Resample resample -> true;
            case Intervention.Mean mean -> mean.means().isByPosition();
            default -> false;
        };
        return taken && intervention.target().positions().isAll();
    }

    private static void place(
            Intervention intervention,
            Gpt2Config config,
            int sequences,
            int sequence,
            int length,
            int bound,
            List<BoundEdit> placements) {
        Target target = intervention.target();
        if (!chooses(target, sequences, sequence)) {
            return;
        }
        Site site = target.site();
        if (!site.perLayer()) {
            if (!target.layers().isAll()) {
                throw new BadInputException(site.localName() + " is outside the layers");
            }
            placements.add(new BoundEdit(intervention, HookPoint.of(site), config, sequence, length, bound));
            return;
        }
        for (int layer : target.layers().in(config.nLayers(), "layer")) {
            placements.add(new BoundEdit(intervention, HookPoint.of(site, layer), config, sequence, length, bound));
        }
    }

    private static void requireApart(List<BoundEdit> placements) {
        for (int i = 0; i < placements.size(); i++) {
            BoundEdit first = placements.get(i);
            for (int j = i + 1;
                    j < placements.size() && placements.get(j).point().equals(first.point());
                    j++) {
                BoundEdit second = placements.get(j);
                if (first.overlaps(second)) {
                    throw new BadInputException("two interventions write the same values: "
                            + InterventionText.of(first.intervention()) + " and "
                            + InterventionText.of(second.intervention())
                            + "; let the later act on what the earlier left (" + Remedy.EDIT_IN_ORDER
                            + ", \"in_order\": true in JSON),"
                            + " or choose places apart (" + Remedy.EDIT_APART + ")");
                }
            }
        }
    }

    /** What is wrong with an intervention says which it is. */
    private static void named(Intervention intervention, Runnable check) {
        try {
            check.run();
        } catch (BadInputException | BadShapeException e) {
            throw new BadInputException(InterventionText.of(intervention) + ": " + e.getMessage());
        }
    }

    /** A line for people on each: {@code Scale of blocks.2.attn.hook_z, heads 1: by 0.5}. */
    public List<String> describe() {
        return list.stream().map(InterventionText::withValues).toList();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Interventions interventions
                && list.equals(interventions.list)
                && inOrder == interventions.inOrder;
    }

    @Override
    public int hashCode() {
        return list.hashCode();
    }
}
