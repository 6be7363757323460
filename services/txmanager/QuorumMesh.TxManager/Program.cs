using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;

return await HostRunner.RunAsync(
    "quorummesh-txmanager",
    () => CommandLine.RunAsync(
        args,
        (settings, cancel) => settings.Recover
            ? RecoveryRun.RunAsync(() => ManagerConfig.Read(settings), cancel)
            : ManagerHost.RunAsync(ManagerConfig.Read(settings), cancel),
        (file, overrides) => StoreCheckRun.Run(ManagerConfig.ReadDatabase(file, overrides), Console.Out),
        (settings, from, hashes, cancel) =>
            PayloadFetchRun.RunAsync(ManagerConfig.Read(settings), from, hashes, Console.Out, cancel))).ConfigureAwait(false);
