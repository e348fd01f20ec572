export { type ClusterOptions, type RunningCluster, startCluster } from './start-cluster.js';
