// Each test runs a whole network: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
