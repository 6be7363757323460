using QuorumMesh.Benchmarks.Network;

// bench network [seconds] [bursts] [burst size]: published binaries of `make publish`, found by QUORUMMESH_ARTIFACTS.
int Number(int index, int otherwise) => args.Length > index ? int.Parse(args[index]) : otherwise;

switch (args.FirstOrDefault())
{
    case "network":
        await NetworkFigures.RunAsync(Number(1, 60), Number(2, 10), Number(3, 20_000)).ConfigureAwait(false);
        return 0;
    default:
        Console.Error.WriteLine("usage: bench network [seconds] [bursts] [burst size]");
        return 2;
}
