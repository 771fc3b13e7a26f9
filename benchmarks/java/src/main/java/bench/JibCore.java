package bench;

import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.JavaContainerBuilder;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Builds one image with Jib's core alone: BASE TARGET PROJECT CACHE MAIN [PLATFORM...]. */
public class JibCore {
  public static void main(String[] words) throws Exception {
    Path target = Paths.get(words[2], "target");
    JavaContainerBuilder java =
        JavaContainerBuilder.from(RegistryImage.named(words[0]))
            .addClasses(target.resolve("classes"), path -> path.toString().endsWith(".class"))
            .addResources(target.resolve("classes"), path -> !path.toString().endsWith(".class"))
            .setMainClass(words[4])
            .setAppRoot(AbsoluteUnixPath.get("/app"));
    try (Stream<Path> jars = Files.list(target.resolve("dependency"))) {
      List<Path> sorted = jars.sorted().collect(Collectors.toList());
      java.addDependencies(sorted);
    }
    Containerizer to =
        words[1].startsWith("tar:")
            ? Containerizer.to(TarImage.at(Paths.get(words[1].substring(4))).named("bench"))
            : Containerizer.to(RegistryImage.named(words[1]));
    Path cache = Paths.get(words[3]);
    to.setAllowInsecureRegistries(true)
        .setBaseImageLayersCache(cache.resolve("base"))
        .setApplicationLayersCache(cache.resolve("application"));
    var container = java.toContainerBuilder();
    if (words.length > 5) {
      container.setPlatforms(
          Stream.of(words)
              .skip(5)
              .map(word -> new Platform(word.split("/")[1], word.split("/")[0]))
              .collect(Collectors.toCollection(LinkedHashSet::new)));
    }
    System.out.println(container.containerize(to).getDigest());
    System.exit(0);
  }
}
