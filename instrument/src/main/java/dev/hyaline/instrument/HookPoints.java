package dev.hyaline.instrument;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.EditDistance;
import dev.hyaline.files.Printable;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Hook points by name. A pattern is one of
 *
 * <ul>
 *   <li>a canonical name, {@code blocks.3.attn.hook_z}, or a name within the blocks, {@code attn.hook_z}, which means
 *       every layer's; {@code hook_} may be left out;
 *   <li>a short name: {@code z}, {@code pattern}, {@code resid_post}, {@code ln1.scale}, {@code mlp.pre} or
 *       {@code mlp_pre};
 *   <li>the last part of a canonical name, {@code hook_z} or {@code hook_scale}, which means every site that ends so;
 *   <li>what TransformerLens's {@code get_act_name} understands: {@code pre}, {@code post}, {@code key},
 *       {@code attn_logits}, {@code scale} (the final norm's), and with a layer {@code k6}, {@code scale4ln1};
 *   <li>a glob over any of these names: {@code blocks.*.attn.hook_*}, {@code resid_*}, {@code blocks.[0-2].*};
 *   <li>{@code all}: every point a plain pass has. Points formed only on request come with a name or a glob.
 * </ul>
 */
public final class HookPoints {
    private static final String EVERY_BLOCK = "blocks.*.";
    private static final Pattern IN_A_BLOCK = Pattern.compile("blocks\\.(0|[1-9]\\d*)\\.(.+)");
    private static final Pattern NAME_AND_LAYER = Pattern.compile("([a-z_]+)(0|[1-9]\\d{0,5})(ln[12])?");

    /** Names of TransformerLens's {@code get_act_name} that no site bears itself, and {@code logits}. */
    private static final Map<String, Site> ALIASES = Map.ofEntries(
            Map.entry("pre", Site.MLP_PRE),
            Map.entry("post", Site.MLP_POST),
            Map.entry("attn", Site.PATTERN),
            Map.entry("attn_logits", Site.ATTN_SCORES),
            Map.entry("key", Site.K),
            Map.entry("query", Site.Q),
            Map.entry("value", Site.V),
            Map.entry("scale", Site.LN_FINAL_SCALE),
            Map.entry("normalized", Site.LN_FINAL_NORMALIZED),
            Map.entry("logits", Site.UNEMBED_OUT));

    /** Longer than any name: to compare a longer text with every name takes long and finds nothing. */
    private static final int MAX_COMPARED = 100;

    /** The site of each name within a block; the first one where several have it. */
    private static final Map<String, Site> LOCAL_SITES = localSites();

    private HookPoints() {}

    /** Every point that a plain pass has: all but those formed only on request. */
    public static List<HookPoint> plain(Gpt2Config config) {
        return HookPoint.all(config).stream()
                .filter(point -> !point.site().onRequest())
                .toList();
    }

    /** As {@link #select(Gpt2Config, List, IndexSelection)}, in every layer. */
    public static List<HookPoint> select(Gpt2Config config, String... patterns) {
        return select(config, List.of(patterns), IndexSelection.all());
    }

    /**
     * The points that any of the patterns names, in the order in which a pass reaches them.
     *
     * <p>A layer selection keeps, of the points inside the blocks, those in its layers; points outside the blocks stay
     * only if a pattern names them outright, not by {@code all} or a glob.
     *
     * @param patterns each one pattern, or several with commas between
     * @throws UnknownHookPointException if a pattern names nothing
     * @throws BadInputException if a pattern is left with nothing in the chosen layers, or a layer does not exist
     */
    public static List<HookPoint> select(Gpt2Config config, List<String> patterns, IndexSelection layers) {
        Set<Integer> kept =
                Arrays.stream(layers.in(config.nLayers(), "layer")).boxed().collect(Collectors.toSet());
        List<HookPoint> points = HookPoint.all(config);
        Set<HookPoint> selected = new TreeSet<>();
        for (String list : patterns) {
            for (String item : list.split(",", -1)) {
                String pattern = item.strip();
                if (pattern.isEmpty()) {
                    throw new BadInputException("a hook point's name is missing in '" + Printable.plain(list) + "'");
                }
                List<HookPoint> matches = matches(config, points, pattern);
                boolean outright = !Glob.is(pattern) && !pattern.equals("all");
                List<HookPoint> inLayers = matches.stream()
                        .filter(point ->
                                point.site().perLayer() ? kept.contains(point.layer()) : outright || layers.isAll())
                        .toList();
                if (inLayers.isEmpty()) {
                    throw new BadInputException(
                            "'" + Printable.plain(pattern) + "' has no hook point in layers " + layers);
                }
                selected.addAll(inLayers);
            }
        }
        if (selected.isEmpty()) {
            throw new BadInputException("no hook point is selected; name one, or all");
        }
        return List.copyOf(selected);
    }

    /**
     * Returns whether a name holds a layer: {@code blocks.3.attn.hook_z} and {@code z3} do, {@code attn.hook_z} does
     * not.
     */
    public static boolean hasLayer(String name) {
        return inBlock(name).isPresent();
    }

    /**
     * The site that a name without a layer means: {@code attn.hook_z}, {@code z} or {@code blocks.*.attn.hook_z}. No
     * other glob: what that means takes a model to know.
     *
     * @throws UnknownHookPointException if there is no such site
     */
    public static Site site(String name) {
        if (name.startsWith(EVERY_BLOCK)) {
            return localSite(name.substring(EVERY_BLOCK.length()))
                    .filter(Site::perLayer)
                    .orElseThrow(() -> unknown(name));
        }
        if (Glob.is(name)) {
            throw new BadInputException("'" + Printable.plain(name) + "' is a glob, where one site is to be named");
        }
        return localSite(name).orElseThrow(() -> unknown(name));
    }

    /**
     * The one point that a name means: {@code blocks.3.attn.hook_z}, {@code z3}, or {@code ln_final.hook_scale} outside
     * the blocks.
     *
     * @throws UnknownHookPointException if there is no such point
     */
    public static HookPoint point(String name) {
        return inBlock(name)
                .or(() -> localSite(name).filter(site -> !site.perLayer()).map(HookPoint::of))
                .orElseThrow(() -> unknown(name));
    }

    /**
     * The point of a layer that a name without one means: {@code point("pattern", 2)}.
     *
     * @throws UnknownHookPointException if there is no such site, or its name has no layer because it is outside the
     *     blocks
     */
    public static HookPoint point(String name, int layer) {
        return HookPoint.of(site(name), layer);
    }

    private static Optional<HookPoint> inBlock(String name) {
        Matcher inBlock = IN_A_BLOCK.matcher(name);
        if (inBlock.matches()) {
            return inBlock.group(1).length() > 6
                    ? Optional.empty()
                    : inBlock(inBlock.group(2), Integer.parseInt(inBlock.group(1)));
        }
        Matcher shorthand = NAME_AND_LAYER.matcher(name);
        return shorthand.matches()
                ? inBlock(shortSite(shorthand), Integer.parseInt(shorthand.group(2)))
                : Optional.empty();
    }

    private static Optional<HookPoint> inBlock(String localName, int layer) {
        return localSite(localName).filter(Site::perLayer).map(site -> HookPoint.of(site, layer));
    }

    /** The site in {@code scale4ln1} is {@code ln1.scale}. */
    private static String shortSite(Matcher shorthand) {
        return (shorthand.group(3) == null ? "" : shorthand.group(3) + ".") + shorthand.group(1);
    }

    private static UnknownHookPointException unknown(String name) {
        List<HookPoint> ofOneLayer = Arrays.stream(Site.values())
                .map(site -> site.perLayer() ? HookPoint.of(site, 0) : HookPoint.of(site))
                .toList();
        return unknown(ofOneLayer, name);
    }

    private static UnknownHookPointException unknown(List<HookPoint> points, String name) {
        return new UnknownHookPointException(Printable.plain(name), nearest(points, name));
    }

    private static Map<String, Site> localSites() {
        Map<String, Site> sites = new HashMap<>();
        for (Site site : Site.values()) {
            localNames(site).forEach(name -> sites.putIfAbsent(name, site));
            ALIASES.forEach((alias, meant) -> {
                if (meant == site) {
                    sites.putIfAbsent(alias, site);
                }
            });
        }
        return sites;
    }

    private static Optional<Site> localSite(String name) {
        return Optional.ofNullable(LOCAL_SITES.get(name)).or(() -> {
            List<Site> ending = Arrays.stream(Site.values())
                    .filter(site -> isLastPart(site, name))
                    .toList();
            return ending.size() == 1 ? Optional.of(ending.getFirst()) : Optional.empty();
        });
    }

    private static List<HookPoint> matches(Gpt2Config config, List<HookPoint> points, String pattern) {
        if (pattern.equals("all")) {
            return plain(config);
        }
        List<HookPoint> matches;
        if (Glob.is(pattern)) {
            Glob glob = Glob.of(pattern);
            matches = points.stream()
                    .filter(point -> names(point).stream().anyMatch(glob))
                    .toList();
        } else {
            matches = named(config, points, pattern);
        }
        if (matches.isEmpty()) {
            throw unknown(points, pattern);
        }
        return matches;
    }

    private static List<HookPoint> named(Gpt2Config config, List<HookPoint> points, String name) {
        List<HookPoint> matches = points.stream()
                .filter(point -> names(point).contains(name)
                        || point.site() == ALIASES.get(name)
                        || isLastPart(point.site(), name))
                .toList();
        if (!matches.isEmpty()) {
            return matches;
        }
        Matcher inBlock = IN_A_BLOCK.matcher(name);
        if (inBlock.matches() && isInBlocks(points, inBlock.group(2))) {
            throw noLayer(config, inBlock.group(1));
        }
        Matcher shorthand = NAME_AND_LAYER.matcher(name);
        if (!shorthand.matches()) {
            return List.of();
        }
        String site = shortSite(shorthand);
        if (!isInBlocks(points, site)) {
            return List.of();
        }
        int layer = Integer.parseInt(shorthand.group(2));
        if (layer >= config.nLayers()) {
            throw noLayer(config, shorthand.group(2));
        }
        return named(config, points, site).stream()
                .filter(point -> point.layer() == layer)
                .toList();
    }

    /** Returns whether a name means one site in every layer. */
    private static boolean isInBlocks(List<HookPoint> points, String name) {
        return points.stream()
                .filter(point -> point.site().perLayer())
                .anyMatch(point -> localNames(point.site()).contains(name) || point.site() == ALIASES.get(name));
    }

    private static BadInputException noLayer(Gpt2Config config, String layer) {
        return new BadInputException(
                "there is no layer " + Printable.plain(layer) + ": layers run from 0 to " + (config.nLayers() - 1));
    }

    /** Everything a point is called, its canonical name first. */
    private static Set<String> names(HookPoint point) {
        Set<String> names = new LinkedHashSet<>();
        names.add(point.name());
        names.add(point.name().replace("hook_", ""));
        names.addAll(localNames(point.site()));
        return names;
    }

    /** Returns whether a name is what TransformerLens calls the hook itself, {@code hook_z} of {@code attn.hook_z}. */
    private static boolean isLastPart(Site site, String name) {
        return name.startsWith("hook_") && site.localName().endsWith("." + name);
    }

    private static Set<String> localNames(Site site) {
        String shortName = site.shortName();
        return new LinkedHashSet<>(List.of(
                shortName, site.localName(), site.localName().replace("hook_", ""), shortName.replace('.', '_')));
    }

    /** At most three names that differ little from one that is unknown, each of another site. */
    private static List<String> nearest(List<HookPoint> points, String unknown) {
        if (unknown.length() > MAX_COMPARED) {
            return List.of();
        }
        int tolerance = Math.max(1, unknown.length() / 3);
        record Candidate(String name, Site site, int distance) {}
        Map<Site, Candidate> nearest = new HashMap<>();
        for (HookPoint point : points) {
            Set<String> names = names(point);
            ALIASES.forEach((alias, site) -> {
                if (site == point.site()) {
                    names.add(alias);
                }
            });
            for (String name : names) {
                int distance = EditDistance.between(unknown, name);
                if (distance <= tolerance) {
                    nearest.merge(
                            point.site(),
                            new Candidate(name, point.site(), distance),
                            (a, b) -> b.distance < a.distance ? b : a);
                }
            }
        }
        return nearest.values().stream()
                .sorted(Comparator.comparingInt(Candidate::distance).thenComparing(Candidate::site))
                .limit(3)
                .map(Candidate::name)
                .toList();
    }
}
