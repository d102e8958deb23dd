package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.CircuitMembers;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.NeuronComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.SiteComponent;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Random sets of components with as many members in each layer as a given set.
 *
 * @param all whether these are all such sets but the given one; else they were drawn, and may repeat
 * @param modelWide whether members come from all layers, since the layers alone have too few
 */
record RandomSets(List<List<ClaimComponent>> sets, boolean all, boolean modelWide) {
    private static final String LABEL = "random-circuit/";

    /** The members that a pool of components lends to a set. */
    private record Pool(String name, List<ClaimComponent> members, int count) {
        double choices() {
            double choices = 1;
            for (int i = 0; i < count; i++) {
                choices *= (double) (members.size() - i) / (i + 1);
            }
            return Math.rint(choices);
        }
    }

    /**
     * Draws sets. Where there are no more than were asked for, takes all; where so few that none of them could be rare,
     * goes to all layers.
     *
     * @param firing the latents of an autoencoder that fire at all, by its name
     * @param rare the share that must be reachable
     * @param random the numbers of a label
     */
    static RandomSets of(
            Gpt2Config config,
            List<ClaimComponent> components,
            Function<String, List<Integer>> firing,
            int count,
            double rare,
            Function<String, CounterRandom> random) {
        List<Pool> pools = pools(config, components, firing, /* modelWide= */ false);
        boolean modelWide = 1 / choices(pools) > rare;
        if (modelWide) {
            pools = pools(config, components, firing, /* modelWide= */ true);
        }
        if (choices(pools) <= count) {
            List<List<ClaimComponent>> sets = new ArrayList<>(List.of(List.of()));
            for (Pool pool : pools) {
                List<List<ClaimComponent>> longer = new ArrayList<>();
                for (List<ClaimComponent> set : sets) {
                    extend(set, pool, 0, pool.count, longer);
                }
                sets = longer;
            }
            sets.removeIf(set -> new HashSet<>(set).equals(new HashSet<>(components)));
            return new RandomSets(List.copyOf(sets), /* all= */ true, modelWide);
        }
        List<List<ClaimComponent>> drawn = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            List<ClaimComponent> set = new ArrayList<>();
            for (Pool pool : pools) {
                int[] order = random.apply(LABEL + pool.name).with(k).permutation(pool.members.size());
                IntStream.of(order)
                        .limit(pool.count)
                        .sorted()
                        .mapToObj(pool.members::get)
                        .forEach(set::add);
            }
            drawn.add(set);
        }
        return new RandomSets(List.copyOf(drawn), /* all= */ false, modelWide);
    }

    private static double choices(List<Pool> pools) {
        return pools.stream().mapToDouble(Pool::choices).reduce(1, (a, b) -> a * b);
    }

    private static void extend(
            List<ClaimComponent> set, Pool pool, int first, int left, List<List<ClaimComponent>> longer) {
        if (left == 0) {
            longer.add(set);
            return;
        }
        for (int i = first; i <= pool.members.size() - left; i++) {
            List<ClaimComponent> more = new ArrayList<>(set);
            more.add(pool.members.get(i));
            extend(more, pool, i + 1, left - 1, longer);
        }
    }

    /** The pools that the components are drawn from, in the order of the layers. */
    private static List<Pool> pools(
            Gpt2Config config,
            List<ClaimComponent> components,
            Function<String, List<Integer>> firing,
            boolean modelWide) {
        record Key(int layer, String name) {}
        Map<Key, List<ClaimComponent>> members = new TreeMap<>(
                (a, b) -> a.layer != b.layer ? Integer.compare(a.layer, b.layer) : a.name.compareTo(b.name));
        Map<Key, Integer> counts = new HashMap<>();
        for (ClaimComponent component : components) {
            int layer = modelWide ? -1 : layer(component);
            Key key = new Key(layer, name(component, layer));
            members.computeIfAbsent(key, of -> pool(config, component, firing, of.layer));
            counts.merge(key, 1, Integer::sum);
        }
        return members.entrySet().stream()
                .map(entry -> new Pool(entry.getKey().name, entry.getValue(), counts.getOrDefault(entry.getKey(), 0)))
                .toList();
    }

    /** The layer that its like are drawn from; -1 where one layer has no other. */
    private static int layer(ClaimComponent component) {
        return switch (component) {
            case HeadComponent head -> head.layer();
            case NeuronComponent neuron -> neuron.layer();
            case MlpComponent mlp -> -1;
            case SiteComponent site -> -1;
            case LatentComponent latent -> -1;
            case ComponentAt at -> layer(at.component());
            case CircuitMembers members -> throw unnamed(members);
        };
    }

    private static BadInputException unnamed(CircuitMembers members) {
        return new BadInputException(members + " stands for heads that must be named first");
    }

    private static String name(ClaimComponent component, int layer) {
        String where = layer < 0 ? "model-wide" : "layer-" + layer;
        return switch (component) {
            case HeadComponent head -> where;
            case NeuronComponent neuron -> where + "/neurons";
            case MlpComponent mlp -> where + "/mlps";
            case SiteComponent site -> where + "/" + site.point().site().localName();
            case LatentComponent latent -> where + "/sae:" + latent.autoencoder();
            case ComponentAt at -> name(at.component(), layer) + "@" + at.role();
            case CircuitMembers members -> throw unnamed(members);
        };
    }

    private static List<ClaimComponent> pool(
            Gpt2Config config, ClaimComponent component, Function<String, List<Integer>> firing, int layer) {
        int first = Math.max(layer, 0);
        int end = layer < 0 ? config.nLayers() : layer + 1;
        return switch (component) {
            case HeadComponent head -> each(first, end, config.nHeads(), HeadComponent::new);
            case NeuronComponent neuron ->
                each(first, end, Site.MLP_POST.shape().width(config), NeuronComponent::new);
            case MlpComponent mlp -> each(first, end, 1, (l, i) -> new MlpComponent(l));
            case SiteComponent site ->
                site.point().site().perLayer()
                        ? each(
                                first,
                                end,
                                1,
                                (l, i) -> new SiteComponent(
                                        HookPoint.of(site.point().site(), l)))
                        : List.of(site);
            // Its own is there even if it never fires.
            case LatentComponent latent ->
                Stream.concat(firing.apply(latent.autoencoder()).stream(), Stream.of(latent.latent()))
                        .distinct()
                        .sorted()
                        .<ClaimComponent>map(index -> new LatentComponent(latent.autoencoder(), index))
                        .toList();
            case ComponentAt at ->
                pool(config, at.component(), firing, layer).stream()
                        .<ClaimComponent>map(other -> new ComponentAt(other, at.role()))
                        .toList();
            case CircuitMembers members -> throw unnamed(members);
        };
    }

    /** Makes a component of a layer and an index. */
    private interface Maker {
        ClaimComponent of(int layer, int index);
    }

    private static List<ClaimComponent> each(int first, int end, int count, Maker maker) {
        List<ClaimComponent> all = new ArrayList<>();
        for (int layer = first; layer < end; layer++) {
            for (int index = 0; index < count; index++) {
                all.add(maker.of(layer, index));
            }
        }
        return all;
    }
}
